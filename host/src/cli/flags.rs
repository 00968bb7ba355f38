//! Lets clap's derived structs take the flags of the table of keys.
//!
//! The table names each flag and the commands that take it. No flag of a setting is named here.

use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::config::{Commands, ConfigFile, Flag};

/// Flags that were given to a command.
#[derive(Debug, Default)]
struct Given {
    settings: Box<ConfigFile>,
    first: Option<Flag>,
}

impl Given {
    fn of(commands: Commands, matches: &ArgMatches) -> Self {
        Self {
            settings: Box::new(ConfigFile::from_flags(matches)),
            first: commands.first_given(matches),
        }
    }
}

macro_rules! flags {
    ($($(#[doc = $doc:literal])+ $name:ident = $commands:expr;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Default)]
            pub(super) struct $name(Given);

            impl $name {
                /// The settings that were given.
                pub(super) fn given(&self) -> ConfigFile {
                    ConfigFile::clone(&self.0.settings)
                }
            }

            impl FromArgMatches for $name {
                fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                    Ok(Self(Given::of($commands, matches)))
                }

                fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                    *self = Self::from_arg_matches(matches)?;
                    Ok(())
                }
            }

            impl Args for $name {
                fn augment_args(command: Command) -> Command {
                    $commands.add_flags(command)
                }

                fn augment_args_for_update(command: Command) -> Command {
                    Self::augment_args(command)
                }
            }
        )+
    };
}

flags! {
    /// Flags of every command.
    UsualFlags = Commands::All;
    /// Flags of the commands that make runs.
    LimitFlags = Commands::MakingRuns;
    /// Flags of the service.
    ServiceFlags = Commands::Serving;
}

impl LimitFlags {
    /// The first flag that was given, if any.
    pub(super) fn first(&self) -> Option<Flag> {
        self.0.first
    }
}
