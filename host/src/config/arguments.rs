//! Builds clap's arguments from the table of keys.
//!
//! clap does not read the variables, for three reasons: they also apply to commands without the flag, an empty variable
//! counts as unset, and `session-host config` tells a variable's value from a flag's.

use clap::{Arg, ArgMatches, Command};

use super::{
    flags::{Commands, Flag},
    settings_table::{ConfigFile, KEYS, Key},
};

impl Commands {
    /// Adds the flags that these commands take to a clap command.
    #[must_use]
    pub fn add_flags(self, command: Command) -> Command {
        let defaults = ConfigFile::defaults();
        command.args(self.keys().map(|(key, flag)| key.argument(flag, &defaults)))
    }

    /// The first given flag of these commands, in the order of the table.
    #[must_use]
    pub fn first_given(self, matches: &ArgMatches) -> Option<Flag> {
        let is_given = |key: &Key| matches.try_contains_id(key.name).unwrap_or(false);
        let mut flags = self.keys().filter(|(key, _)| is_given(key));
        flags.next().map(|(_, flag)| flag)
    }

    fn keys(self) -> impl Iterator<Item = (&'static Key, Flag)> {
        let of_these = move |key: &'static Key| Some((key, key.flag.filter(|flag| flag.commands == self)?));
        KEYS.iter().filter_map(of_these)
    }
}

impl Key {
    fn argument(&self, flag: Flag, defaults: &ConfigFile) -> Arg {
        let argument = Arg::new(self.name)
            .long(flag.long)
            .global(flag.commands == Commands::All)
            .help_heading(flag.commands.heading())
            .help(self.help(defaults));
        let value = match flag.value {
            // It may be omitted, which means true.
            "" => "BOOLEAN",
            value => value,
        };
        (self.shape)(argument.value_name(value))
    }

    fn help(&self, defaults: &ConfigFile) -> String {
        let meaning = self.meaning.trim().trim_end_matches('.').replace('`', "");
        let default = match self.default_in(defaults) {
            Some(default) => format!(" [default: {}]", default.replace(['`', '"'], "")),
            None => String::new(),
        };
        format!("{meaning} [env: {}]{default}", self.variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(commands: Commands, arguments: &[&str]) -> Result<ArgMatches, clap::Error> {
        let command = commands.add_flags(Command::new("session-host").no_binary_name(true));
        command.try_get_matches_from(arguments)
    }

    #[test]
    fn the_help_of_a_flag_names_variable_and_default() {
        let help = Commands::MakingRuns
            .add_flags(Command::new("run"))
            .render_help()
            .to_string();
        for key in KEYS {
            let is_taken = key.flag.is_some_and(|flag| flag.commands == Commands::MakingRuns);
            assert_eq!(help.contains(&format!("[env: {}]", key.variable)), is_taken, "{help}");
        }
        assert!(
            help.contains("in seconds [env: SESSION_HOST_TIME_BUDGET_SECONDS] [default: 150]"),
            "{help}"
        );
        assert!(
            help.contains("[default: the machine's cores]") && help.contains("Limits:"),
            "{help}"
        );
    }

    #[test]
    fn flags_give_the_keys_of_the_file() {
        let matches = parsed(Commands::MakingRuns, &["--workers", "3", "--time-budget=7"]).unwrap();
        let given = ConfigFile {
            workers: Some(3),
            time_budget_seconds: Some(7),
            ..ConfigFile::default()
        };
        assert_eq!(ConfigFile::from_flags(&matches), given);
        let first = Commands::MakingRuns.first_given(&matches);
        assert_eq!(first.map(|flag| flag.long), Some("workers"));
        assert_eq!(Commands::All.first_given(&matches), None);
    }

    #[test]
    fn a_flag_without_a_value_means_true() {
        for (argument, expected) in [("--recursive", true), ("--recursive=no", false)] {
            let matches = parsed(Commands::All, &[argument]).unwrap();
            assert_eq!(ConfigFile::from_flags(&matches).recursive, Some(expected));
        }
    }

    #[test]
    fn the_error_of_an_invalid_value_names_the_flag() {
        let error = parsed(Commands::Serving, &["--listen", "here"])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("invalid value 'here' for '--listen <ADDRESS:PORT>'"),
            "{error}"
        );
    }
}
