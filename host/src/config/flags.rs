//! What the table of keys says of a key's flag: its name, what stands for its value, and the commands that take it.

use std::{fmt, net::SocketAddr, path::PathBuf};

use clap::{
    Arg,
    builder::{BoolishValueParser, ValueParser},
    value_parser,
};

/// The flag of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name, without the dashes.
    pub long: &'static str,
    /// What stands for its value; empty where the flag alone says it.
    pub value: &'static str,
    /// The commands that take it.
    pub commands: Commands,
}

/// Commands that take the same flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commands {
    /// All of them, and the flag may stand before the command.
    All,
    /// Those that make runs.
    MakingRuns,
    /// The service alone.
    Serving,
}

impl Commands {
    /// Under which title their help lists the flags; `None` for the usual one.
    pub(super) fn heading(self) -> Option<&'static str> {
        match self {
            Self::MakingRuns => Some("Limits"),
            Self::All | Self::Serving => None,
        }
    }
}

impl Flag {
    pub(super) const fn of_all(long: &'static str, value: &'static str) -> Option<Self> {
        Self::of(Commands::All, long, value)
    }

    pub(super) const fn of_runs(long: &'static str, value: &'static str) -> Option<Self> {
        Self::of(Commands::MakingRuns, long, value)
    }

    pub(super) const fn of_serve(long: &'static str, value: &'static str) -> Option<Self> {
        Self::of(Commands::Serving, long, value)
    }

    const fn of(commands: Commands, long: &'static str, value: &'static str) -> Option<Self> {
        Some(Self { long, value, commands })
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "--{}", self.long)?;
        match self.value {
            "" => Ok(()),
            value => write!(formatter, " {value}"),
        }
    }
}

/// A type that a flag can be read as.
pub(super) trait FromFlag: Clone + Send + Sync + 'static {
    /// How its values are read.
    fn parser() -> ValueParser;

    /// Lets an argument take values of this type.
    fn shape(argument: Arg) -> Arg {
        argument.value_parser(Self::parser())
    }
}

macro_rules! parsed {
    ($($type:ty),+) => {
        $(
            impl FromFlag for $type {
                fn parser() -> ValueParser {
                    value_parser!($type).into()
                }
            }
        )+
    };
}

parsed!(PathBuf, String, u64, usize, SocketAddr);

impl FromFlag for bool {
    fn parser() -> ValueParser {
        BoolishValueParser::new().into()
    }

    /// The flag alone means yes.
    fn shape(argument: Arg) -> Arg {
        argument
            .value_parser(Self::parser())
            .num_args(0..=1)
            .default_missing_value("true")
            .require_equals(true)
    }
}
