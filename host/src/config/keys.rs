//! Every key that can be set, in one place: the file, the variables, the flags, the defaults and the reference are made
//! of this.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ConfigError, variables::FromVariable};

/// What can be said of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// The flag that stands before it, with its value; empty where there is none.
    pub flag: &'static str,
    /// The variable that stands before the file.
    pub variable: &'static str,
    /// What holds when it is not set, in words where that is no fixed value.
    pub unset: &'static str,
    /// A value to begin with, as TOML.
    pub example: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// How long a run may begin attempts, in seconds.
pub(super) const TIME_BUDGET_SECONDS: u64 = 150;
/// How long one attempt may take, in seconds.
pub(super) const ATTEMPT_TIMEOUT_SECONDS: u64 = 300;
/// How long attempts may go on after the wish to end, in seconds.
pub(super) const SHUTDOWN_GRACE_SECONDS: u64 = 30;
/// How many bytes of transcripts are held at once.
pub(super) const MAX_INFLIGHT_BYTES: u64 = 128 << 20;
/// How large a transcript may be, in bytes.
pub(super) const MAX_SESSION_BYTES: u64 = 1 << 30;
/// Where the service listens: only this machine reaches it.
pub(super) const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7741);
/// The heartbeat of the service, in seconds.
pub(super) const TICK_SECONDS: u64 = 30;
/// How long after the start of the service nothing is due, in seconds.
pub(super) const STARTUP_GRACE_SECONDS: u64 = 60;
/// How long the audit log is kept, in days.
pub(super) const AUDIT_RETENTION_DAYS: u64 = 90;

/// With how few free bytes on the disk of the state health warns.
pub(super) const MIN_FREE_BYTES: u64 = 256 << 20;

macro_rules! keys {
    ($(
        $(#[doc = $meaning:literal])+
        $name:ident: $type:ty $(= $default:expr)?, $flag:literal, $variable:literal, $unset:literal, $example:literal;
    )+) => {
        /// The configuration file as it is written; every key is optional. Flags and variables give the same keys.
        ///
        /// Paths are relative to the file's folder. Sizes are in bytes, times in seconds.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        pub struct ConfigFile {
            $(
                $(#[doc = $meaning])+
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )+
            /// Processors, and how often each is due.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub schedule: BTreeMap<String, String>,
            /// Folder names, and the usernames that are recorded for them.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub users: BTreeMap<String, String>,
            /// Each processor's own section.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub processors: BTreeMap<String, Map<String, Value>>,
        }

        /// Every key that is no table, in the order of the reference.
        pub const KEYS: &[Key] = &[$(Key {
            name: stringify!($name),
            flag: $flag,
            variable: $variable,
            unset: $unset,
            example: $example,
            meaning: concat!($($meaning),+),
        }),+];

        impl ConfigFile {
            /// What holds where nothing is set, as far as that is a fixed value.
            #[must_use]
            pub fn defaults() -> Self {
                Self {
                    $( $( $name: Some($default), )? )+
                    ..Self::default()
                }
            }

            /// What the environment sets; `lookup` gives the value of a variable.
            ///
            /// # Errors
            /// When a variable has a value that it cannot have.
            pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
                Ok(Self {
                    $( $name: FromVariable::from_variable($variable, lookup($variable))?, )+
                    ..Self::default()
                })
            }

            /// What is set here, else there. The tables are taken from where they are not empty.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self {
                    $( $name: self.$name.or(other.$name), )+
                    schedule: if self.schedule.is_empty() { other.schedule } else { self.schedule },
                    users: if self.users.is_empty() { other.users } else { self.users },
                    processors: if self.processors.is_empty() { other.processors } else { self.processors },
                }
            }
        }
    };
}

fn parse_error(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let before = &text[..error.span().map_or(0, |span| text.floor_char_boundary(span.start))];
    let line_begins = before.rfind('\n').map_or(0, |line_break| line_break + 1);
    let key = before[line_begins..].split_once('=').map(|(key, _)| key.trim());
    ConfigError::Parse {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_begins..].chars().count() + 1,
        key: key.map_or_else(String::new, |key| format!(" ({key})")),
        message: error.message().to_owned(),
    }
}

keys! {
    /// The sessions directory: `<sessions>/<username>/<session>.jsonl`.
    sessions: PathBuf, "--sessions DIR", "SESSION_HOST_SESSIONS", "must be named", "\"/srv/sessions\"";
    /// Whether transcripts in nested folders are taken too.
    recursive: bool = false, "--recursive", "SESSION_HOST_RECURSIVE", "", "true";
    /// The one user that all sessions are recorded for.
    username: String, "--username NAME", "SESSION_HOST_USERNAME", "the first folder's name", "\"alice\"";
    /// The plugins directory.
    plugins: PathBuf, "--plugins DIR", "SESSION_HOST_PLUGINS", "`plugins/` beside the file", "\"plugins\"";
    /// Where the host keeps what is its own.
    data: PathBuf, "--data DIR", "SESSION_HOST_DATA", "`session-host` in `$XDG_DATA_HOME` (`~/.local/share`)", "\"/var/lib/session-host\"";
    /// The DuckDB file.
    state: PathBuf, "--state FILE", "SESSION_HOST_STATE", "`session-host.duckdb` in the data directory", "\"/var/lib/session-host/session-host.duckdb\"";
    /// How many attempts are made at once.
    workers: usize, "--workers N", "SESSION_HOST_WORKERS", "the machine's cores", "2";
    /// How many attempts a run may make; what is left comes first at the next run.
    max_sessions_per_run: u64, "--max-sessions N", "SESSION_HOST_MAX_SESSIONS_PER_RUN", "no limit", "1000";
    /// How long a run may begin attempts, in seconds.
    time_budget_seconds: u64 = TIME_BUDGET_SECONDS, "--time-budget SECONDS", "SESSION_HOST_TIME_BUDGET_SECONDS", "", "";
    /// How long one attempt may take before it is abandoned, in seconds.
    attempt_timeout_seconds: u64 = ATTEMPT_TIMEOUT_SECONDS, "--attempt-timeout SECONDS", "SESSION_HOST_ATTEMPT_TIMEOUT_SECONDS", "", "";
    /// How long attempts may go on after SIGINT or SIGTERM, in seconds.
    shutdown_grace_seconds: u64 = SHUTDOWN_GRACE_SECONDS, "--shutdown-grace SECONDS", "SESSION_HOST_SHUTDOWN_GRACE_SECONDS", "", "";
    /// How many bytes of transcripts are held at once.
    max_inflight_bytes: u64 = MAX_INFLIGHT_BYTES, "--max-inflight-bytes BYTES", "SESSION_HOST_MAX_INFLIGHT_BYTES", "", "";
    /// How large a transcript may be, in bytes.
    max_session_bytes: u64 = MAX_SESSION_BYTES, "--max-session-bytes BYTES", "SESSION_HOST_MAX_SESSION_BYTES", "", "";
    /// Where the service listens. Unless a token is configured it must be the loopback.
    listen: SocketAddr = LISTEN, "--listen ADDRESS:PORT", "SESSION_HOST_LISTEN", "", "";
    /// The file that holds the token of the admin interface; the variable SESSION_HOST_API_TOKEN, which holds the token itself, stands before it.
    api_token_file: PathBuf, "", "SESSION_HOST_API_TOKEN_FILE", "a token of the service's own, in `api-token` in the data directory", "\"/etc/session-host/token\"";
    /// The heartbeat of the service, in seconds: how often it looks what is due, and at its health.
    tick_seconds: u64 = TICK_SECONDS, "", "SESSION_HOST_TICK_SECONDS", "", "";
    /// How long after the start of the service nothing is due, in seconds.
    startup_grace_seconds: u64 = STARTUP_GRACE_SECONDS, "", "SESSION_HOST_STARTUP_GRACE_SECONDS", "", "";
    /// How long the audit log is kept, in days.
    audit_retention_days: u64 = AUDIT_RETENTION_DAYS, "", "SESSION_HOST_AUDIT_RETENTION_DAYS", "", "";
    /// How long a transcript may wait to be processed before health warns, in seconds.
    stuck_file_grace_seconds: u64, "", "SESSION_HOST_STUCK_FILE_GRACE_SECONDS", "eight cadences of the processor", "86400";
    /// With fewer free bytes than these on the disk of the state, health warns.
    min_free_bytes: u64 = MIN_FREE_BYTES, "", "SESSION_HOST_MIN_FREE_BYTES", "", "";
}

impl ConfigFile {
    /// Reads a configuration file; its paths start at its own folder.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or has an unknown key; with file, line and key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let file: Self = toml::from_str(&text).map_err(|error| parse_error(path, &text, &error))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(file.below(folder))
    }

    fn below(self, folder: &Path) -> Self {
        let beside = |path: PathBuf| folder.join(path);
        Self {
            sessions: self.sessions.map(beside),
            plugins: self.plugins.map(beside),
            data: self.data.map(beside),
            state: self.state.map(beside),
            api_token_file: self.api_token_file.map(beside),
            ..self
        }
    }
}
