//! The configuration as text: the starter file, the table of the reference, and the settings in force.

use std::{fmt::Write as _, path::Path};

use toml::{Table, Value};

use super::{ConfigFile, KEYS, Key, settings::Configured};
use crate::{postgres::PostgresAddress, state_place::is_address};

/// The origin of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag,
    /// A variable.
    Variable,
    /// The file.
    File,
    /// It is not set.
    Default,
}

impl Origin {
    /// The origin in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Variable => "variable",
            Self::File => "file",
            Self::Default => "default",
        }
    }
}

const TABLES: &str = r#"
# Schedules, in UTC, that replace the default cadences of processors. The variable
# SESSION_HOST_<NAME>_SCHEDULE takes precedence.
[schedule]
# usage = "every 15m"
# errors = "daily 03:30, 15:00"
# secrets = "cron 0 6 * * 1-5"

# Where the code of processors runs: "in-process" or "process". A section of its own sets it for one processor.
[isolation]
# default = "process"
# [isolation.verification]
# confine = true
# network = true

# What the host alerts of: budgets in US dollars, of all users together, of each user and of each project.
[alerts]
# daily_budget_usd = 50.0
# user_weekly_budget_usd = 40.0
# project_monthly_budget_usd = 200.0
# new_secret = true
# failing_processor = true
# webhook_url = "https://hooks.example.com/alerts"
# webhook_secret_file = "webhook-secret"

# Tokens beside the main one, each with a role: "admin" or "viewer". `printf %s TOKEN | sha256sum` prints the digest.
# [[tokens]]
# name = "dashboard"
# hash = "sha256:..."
# role = "viewer"

# The usernames of folders that are not named after their user.
[users]
# "8f14e45f" = "alice"

# The configuration of a processor. Its documentation lists the keys.
# [processors.usage]
# curated_plugins = ["release-notes"]
"#;

/// A starter configuration file: it explains every key and sets the defaults.
#[must_use]
pub fn defaults_as_toml() -> String {
    let defaults = table_of(&ConfigFile::defaults());
    let mut text = "# The configuration of session-host. Relative paths start at the folder of this file.\n".to_owned();
    for key in KEYS {
        text.push_str("\n# ");
        text.push_str(key.meaning.trim());
        text.push('\n');
        text.push_str(&before_the_file(key));
        // Writing to a String does not fail.
        let _ = match defaults.get(key.name) {
            Some(value) => writeln!(text, "{} = {value}", key.name),
            None => writeln!(text, "# {} = {}", key.name, key.example),
        };
    }
    text.push_str(TABLES);
    text
}

fn before_the_file(key: &Key) -> String {
    let unset = match key.unset {
        "" => String::new(),
        unset => format!(" Default: {}.", unset.replace('`', "")),
    };
    match key.flag {
        None => format!("# Variable {}.{unset}\n", key.variable),
        Some(flag) => format!("# Flag {flag}, variable {}.{unset}\n", key.variable),
    }
}

/// The table of all keys, as the reference shows it.
#[must_use]
pub fn keys_as_markdown() -> String {
    let defaults = ConfigFile::defaults();
    let mut text = "| key in the file | flag | variable | default | meaning |\n|---|---|---|---|---|\n".to_owned();
    for key in KEYS {
        let flag = key.flag.map_or_else(String::new, |flag| format!("`{flag}`"));
        let default = key.default_in(&defaults).unwrap_or_default();
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "| `{}` | {flag} | `{}` | {default} | {} |",
            key.name,
            key.variable,
            key.meaning.trim()
        );
    }
    text
}

impl Key {
    /// Its default: a value in backticks, or words; `None` if it must be set.
    pub(super) fn default_in(&self, defaults: &ConfigFile) -> Option<String> {
        match table_of(defaults).get(self.name) {
            Some(value) => Some(format!("`{value}`")),
            None => (!self.unset.is_empty()).then(|| self.unset.to_owned()),
        }
    }
}

impl Configured {
    /// Every key with its value, as TOML, and where that is set; keys without a value are left out.
    #[must_use]
    pub fn in_force(&self) -> Vec<(&'static str, String, Origin)> {
        let layers = [
            (&self.flags, Origin::Flag),
            (&self.variables, Origin::Variable),
            (&self.file, Origin::File),
            (&ConfigFile::defaults(), Origin::Default),
        ];
        let layers = layers.map(|(layer, origin)| (table_of(layer), origin));
        let found = |key: &Key| {
            let mut places = layers.iter();
            places.find_map(|(layer, origin)| Some((key.name, shown(key.name, layer.get(key.name)?), *origin)))
        };
        KEYS.iter().filter_map(found).collect()
    }
}

/// A value as people may see it. An address that is refused may hold a password.
fn shown(key: &str, value: &Value) -> String {
    let address = value
        .as_str()
        .filter(|text| key == "state" && is_address(Path::new(text)));
    match address.map(str::parse::<PostgresAddress>) {
        Some(Err(error)) => Value::from(format!("(not shown: {error})")).to_string(),
        _ => value.to_string(),
    }
}

fn table_of(file: &ConfigFile) -> Table {
    // TOML can express every configuration, except for paths that are not UTF-8.
    match Value::try_from(file) {
        Ok(Value::Table(table)) => table,
        _ => Table::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_in_an_address_is_shown() {
        for address in [
            "postgres://a:S3cret@b/c",
            "POSTGRES://a:S3cret@b/c",
            "mysql://a:S3cret@b/c",
            "postgres://a@b/c?S3cret",
            "host=b user=a password=S3cret",
        ] {
            let told = shown("state", &Value::from(address));
            assert!(told.contains("not shown") && !told.contains("S3cret"), "{told}");
        }
        for fine in ["postgres://a@b/c", "/var/lib/state.duckdb"] {
            assert_eq!(shown("state", &Value::from(fine)), format!("\"{fine}\""));
        }
    }

    #[test]
    fn the_starter_file_is_valid_and_sets_the_defaults() {
        let read: ConfigFile = toml::from_str(&defaults_as_toml()).unwrap();
        assert_eq!(read, ConfigFile::defaults());
    }

    #[test]
    fn every_example_in_the_starter_file_is_valid() {
        let uncommented: String = defaults_as_toml()
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.contains(" = ") || rest.starts_with('[') => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let read: ConfigFile = toml::from_str(&uncommented).unwrap_or_else(|error| panic!("{error}\n{uncommented}"));
        let table = table_of(&read);
        assert!(KEYS.iter().all(|key| table.contains_key(key.name)));
        assert_eq!(read.schedule["usage"], "every 15m");
    }

    #[test]
    fn the_reference_has_the_table_of_all_keys() {
        let reference = include_str!("../../../docs/reference.md");
        let table = keys_as_markdown();
        assert!(
            reference.contains(&table),
            "the table of settings in docs/reference.md must be this one:\n\n{table}"
        );
    }

    #[test]
    fn the_settings_in_force_tell_where_each_was_set() {
        let configured = Configured {
            path: "config.toml".into(),
            flags: ConfigFile {
                workers: Some(3),
                ..ConfigFile::default()
            },
            variables: ConfigFile {
                workers: Some(4),
                tick_seconds: Some(5),
                ..ConfigFile::default()
            },
            file: ConfigFile {
                tick_seconds: Some(6),
                recursive: Some(true),
                ..ConfigFile::default()
            },
        };
        let in_force = configured.in_force();
        let of = |name: &str| in_force.iter().find(|(key, ..)| *key == name).cloned();
        assert_eq!(of("workers"), Some(("workers", "3".to_owned(), Origin::Flag)));
        assert_eq!(
            of("tick_seconds"),
            Some(("tick_seconds", "5".to_owned(), Origin::Variable))
        );
        assert_eq!(of("recursive"), Some(("recursive", "true".to_owned(), Origin::File)));
        assert_eq!(
            of("audit_retention_days"),
            Some(("audit_retention_days", "90".to_owned(), Origin::Default))
        );
        assert_eq!(of("sessions"), None);
    }
}
