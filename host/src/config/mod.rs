//! The configuration: its keys, its sources, and the settings in force.

mod alerts;
mod api_token;
mod arguments;
mod flags;
mod found;
mod made_token;
mod named_tokens;
mod page_secrets;
mod plugins_directory;
mod reference;
mod secret_file;
mod settings;
mod settings_table;
mod token;
mod variables;

use std::{io, path::PathBuf};

pub use alerts::{AlertSettings, AlertsTable, Budgets, Period, WebhookSettings};
pub use api_token::ApiToken;
pub use flags::{Commands, Flag};
pub use found::FoundValue;
pub use named_tokens::{NamedToken, NamedTokenTable, Role};
pub use page_secrets::PageSecrets;
pub use plugins_directory::{PluginsDirectory, UsualPlace};
pub use reference::{Origin, defaults_as_toml, keys_as_markdown};
pub use settings::{Configured, ServiceSettings, Settings, named_state};
pub use settings_table::{ConfigFile, KEYS, Key};
pub use token::TokenSource;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        r#source: io::Error,
    },
    /// The file is not TOML, or has a key that is unknown or of the wrong type.
    #[error("{}, line {line}, column {column}{key}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The key of that line in parentheses, if it has one.
        key: String,
        /// What is wrong there. The message omits the line itself, because it may hold a token.
        message: String,
    },
    /// A variable has an invalid value.
    #[error("the variable {variable} is `{value}`: {reason}")]
    Variable {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// What it must be.
        reason: String,
    },
    /// A setting has an invalid value.
    #[error("{key} is {value}: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        reason: &'static str,
    },
    /// A key of `[alerts]` has an invalid value.
    #[error("{}: {key} in [alerts]: {reason}", path.display())]
    Alerts {
        /// The configuration file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A table of `[[tokens]]` is invalid.
    #[error("{}: the token `{name}` in [[tokens]]: {reason}", path.display())]
    NamedToken {
        /// The configuration file.
        path: PathBuf,
        /// The name of the token.
        name: String,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
    /// The address of the database that has the state cannot be read. The text may contain a password.
    #[error("state is no address of a PostgreSQL database: {0}")]
    StateAddress(crate::postgres::AddressError),
    /// There is no home directory for the default paths.
    #[error("there is no home directory for the state: set HOME, or name a data directory with --data")]
    NoHome,
    /// No sessions directory is set, and none is found.
    #[error(
        "no sessions directory is set, and the host found none: it looked for {looked_at}; pass --sessions DIR, set SESSION_HOST_SESSIONS, or write `sessions = \"DIR\"` into {}",
        file.display()
    )]
    NoSessions {
        /// The folders that were looked for.
        looked_at: String,
        /// The configuration file.
        file: PathBuf,
    },
    /// No plugins directory is set, and none is found.
    #[error(
        "no plugins directory is set, and the host found none: it looked for {looked_at}; copy the plugins into one of these, or pass --plugins DIR"
    )]
    NoPlugins {
        /// The directories that were looked for.
        looked_at: String,
    },
    /// The service cannot create its token.
    #[error(
        "cannot create the token {}: {source}; make room on the disk of the data directory, or let the service's user write there",
        path.display()
    )]
    MakeToken {
        /// The file.
        path: PathBuf,
        /// What the system says.
        r#source: io::Error,
    },
    /// The token cannot be used.
    #[error("cannot use the token in {place}: {reason}")]
    Token {
        /// The variable or the file.
        place: String,
        /// What is wrong, and what to do.
        reason: String,
    },
}
