//! The flag of a key: its name, the placeholder of its value, and the commands that take it.

use std::{convert::Infallible, fmt, net::SocketAddr, path::PathBuf};

use clap::{
    Arg,
    builder::{BoolishValueParser, ValueParser},
    value_parser,
};

use super::variables::list_of;
use crate::{week::WeekStart, zone::Zone};

/// The flag of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name, without the dashes.
    pub long: &'static str,
    /// The placeholder of its value; empty if the flag needs none.
    pub value: &'static str,
    /// The commands that take it.
    pub commands: Commands,
}

/// A group of commands that take the same flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commands {
    /// All commands; the flag may also precede the command.
    All,
    /// The commands that make runs.
    MakingRuns,
    /// The service alone.
    Serving,
}

impl Commands {
    /// The heading of their flags in the help; `None` for the default one.
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

/// A type that a flag's value can have.
pub(super) trait FromFlag: Clone + Send + Sync + 'static {
    /// The parser of its values.
    fn parser() -> ValueParser;

    /// Makes an argument take values of this type.
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

parsed!(PathBuf, String, u64, usize, SocketAddr, WeekStart, Zone);

/// Separated by commas.
impl FromFlag for Vec<String> {
    fn parser() -> ValueParser {
        ValueParser::new(|text: &str| Ok::<Self, Infallible>(list_of(text)))
    }
}

impl FromFlag for bool {
    fn parser() -> ValueParser {
        BoolishValueParser::new().into()
    }

    /// The flag without a value means true.
    fn shape(argument: Arg) -> Arg {
        argument
            .value_parser(Self::parser())
            .num_args(0..=1)
            .default_missing_value("true")
            .require_equals(true)
    }
}
