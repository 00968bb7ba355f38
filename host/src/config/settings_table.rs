//! Every configuration key, in one table. The keys of the section `[isolation]` and their defaults are in
//! `plugins/isolation_settings.rs`, those of `[alerts]` in `alerts.rs`.
//!
//! The configuration file, the variables, the flags with their help, the defaults and the reference come from its entries.
//! To add a setting, add an entry and use it in `Settings`.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::{Arg, ArgMatches};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    ConfigError,
    alerts::AlertsTable,
    flags::{Flag, FromFlag},
    named_tokens::NamedTokenTable,
    variables::FromVariable,
};
use crate::{plugins::IsolationTable, state_place::is_address, week::WeekStart, zone::Zone};

/// The properties of a key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// The flag, if there is one. It takes precedence over the variable.
    pub flag: Option<Flag>,
    /// The variable. It takes precedence over the file.
    pub variable: &'static str,
    /// The default in words, if it is no fixed value.
    pub unset: &'static str,
    /// An example value, as TOML.
    pub example: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
    /// Makes a flag's argument take values of the key's type.
    pub(super) shape: fn(Arg) -> Arg,
}

macro_rules! keys {
    ($(
        $(#[doc = $meaning:literal])+
        $name:ident: $type:ty $(= $default:expr)?, $flag:expr, $variable:literal, $unset:literal, $example:literal;
    )+) => {
        /// The configuration file as written; every key is optional. Flags and variables set the same keys.
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
            /// The tokens beside the main one.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub tokens: Vec<NamedTokenTable>,
            /// The schedule of each processor.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub schedule: BTreeMap<String, String>,
            /// Where the code of processors runs.
            #[serde(default, skip_serializing_if = "IsolationTable::is_empty")]
            pub isolation: IsolationTable,
            /// What the host alerts of.
            #[serde(default, skip_serializing_if = "AlertsTable::is_empty")]
            pub alerts: AlertsTable,
            /// The recorded username of each folder.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub users: BTreeMap<String, String>,
            /// Each processor's own section.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub processors: BTreeMap<String, Map<String, Value>>,
        }

        /// Every key that is not a table, in the order of the reference.
        pub const KEYS: &[Key] = &[$(Key {
            name: stringify!($name),
            flag: $flag,
            variable: $variable,
            unset: $unset,
            example: $example,
            meaning: concat!($($meaning),+),
            shape: <$type as FromFlag>::shape,
        }),+];

        impl ConfigFile {
            /// The defaults that are fixed values.
            #[must_use]
            pub fn defaults() -> Self {
                Self {
                    $( $( $name: Some($default), )? )+
                    ..Self::default()
                }
            }

            /// The settings of the environment; `lookup` returns the value of a variable.
            ///
            /// # Errors
            /// When a variable has an invalid value.
            pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
                Ok(Self {
                    $( $name: FromVariable::from_variable($variable, lookup($variable))?, )+
                    ..Self::default()
                })
            }

            /// The settings of the flags that the command has.
            #[must_use]
            pub fn from_flags(matches: &ArgMatches) -> Self {
                Self {
                    $( $name: matches.try_get_one(stringify!($name)).ok().flatten().cloned(), )+
                    ..Self::default()
                }
            }

            /// The values set here, else those of `other`. A table counts as set if it is not empty.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self {
                    $( $name: self.$name.or(other.$name), )+
                    tokens: if self.tokens.is_empty() { other.tokens } else { self.tokens },
                    schedule: if self.schedule.is_empty() { other.schedule } else { self.schedule },
                    isolation: if self.isolation.is_empty() { other.isolation } else { self.isolation },
                    alerts: if self.alerts.is_empty() { other.alerts } else { self.alerts },
                    users: if self.users.is_empty() { other.users } else { self.users },
                    processors: if self.processors.is_empty() { other.processors } else { self.processors },
                }
            }

            $($(
                /// The value, or the default if none is set.
                #[must_use]
                pub fn $name(&self) -> $type {
                    self.$name.unwrap_or($default)
                }
            )?)+
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
    /// The sessions directory: `<sessions>/<username>/<session>.jsonl`, or the folder of one project.
    sessions: PathBuf, Flag::of_all("sessions", "DIR"), "SESSION_HOST_SESSIONS", "this user's own transcripts", "\"/srv/sessions\"";
    /// Whether transcripts in nested folders are processed too.
    recursive: bool = true, Flag::of_all("recursive", ""), "SESSION_HOST_RECURSIVE", "", "true";
    /// The username that the host records for all sessions.
    username: String, Flag::of_all("username", "NAME"), "SESSION_HOST_USERNAME", "the first folder's name; for your own transcripts, your name", "\"alice\"";
    /// The plugins directory.
    plugins: PathBuf, Flag::of_all("plugins", "DIR"), "SESSION_HOST_PLUGINS", "the first usual place that exists", "\"plugins\"";
    /// Whether the host rejects plugin files without a digest in the lock file.
    require_digests: bool = false, None, "SESSION_HOST_REQUIRE_DIGESTS", "", "true";
    /// The lock file: the digests that plugin files must have. `session-host processors --lock` writes it.
    digests: PathBuf, None, "SESSION_HOST_DIGESTS", "`plugins.lock` in the plugins directory, if it exists", "\"/etc/session-host/plugins.lock\"";
    /// The names of plugin files that stay in the plugins directory and are not loaded. The variable separates them by commas.
    disabled_plugins: Vec<String>, None, "SESSION_HOST_DISABLED_PLUGINS", "none", "[\"libusage.so\"]";
    /// The data directory, where the host keeps its own files.
    data: PathBuf, Flag::of_all("data", "DIR"), "SESSION_HOST_DATA", "`session-host` in `$XDG_DATA_HOME` (`~/.local/share`)", "\"/var/lib/session-host\"";
    /// The DuckDB file, or the address of a PostgreSQL database that several hosts share: `postgres://USER@HOST/DATABASE`.
    state: PathBuf, Flag::of_all("state", "FILE|ADDRESS"), "SESSION_HOST_STATE", "`session-host.duckdb` in the data directory", "\"/var/lib/session-host/session-host.duckdb\"";
    /// How long this host may be silent until hosts that share its state take its work over, in seconds.
    lease_seconds: u64 = 15, None, "SESSION_HOST_LEASE_SECONDS", "", "";
    /// The folder of the snapshots, which all hosts that share a state in PostgreSQL share, too: reports then come from the newest one.
    snapshots: PathBuf, None, "SESSION_HOST_SNAPSHOTS", "none: reports come from the tables", "\"/srv/session-host/snapshots\"";
    /// How often one of the hosts writes a snapshot, in seconds.
    snapshot_seconds: u64 = 900, None, "SESSION_HOST_SNAPSHOT_SECONDS", "", "";
    /// How many attempts call the processor at the same time.
    workers: usize, Flag::of_runs("workers", "N"), "SESSION_HOST_WORKERS", "the machine's cores", "2";
    /// How many attempts a run may make. A later run attempts the remaining sessions.
    max_sessions_per_run: u64, Flag::of_runs("max-sessions", "N"), "SESSION_HOST_MAX_SESSIONS_PER_RUN", "no limit", "1000";
    /// How long a run may begin new attempts, in seconds.
    time_budget_seconds: u64 = 150, Flag::of_runs("time-budget", "SECONDS"), "SESSION_HOST_TIME_BUDGET_SECONDS", "", "";
    /// How long one attempt may take before the host abandons it, in seconds.
    attempt_timeout_seconds: u64 = 300, Flag::of_runs("attempt-timeout", "SECONDS"), "SESSION_HOST_ATTEMPT_TIMEOUT_SECONDS", "", "";
    /// How long attempts in flight may continue after SIGINT or SIGTERM, in seconds.
    shutdown_grace_seconds: u64 = 30, Flag::of_runs("shutdown-grace", "SECONDS"), "SESSION_HOST_SHUTDOWN_GRACE_SECONDS", "", "";
    /// How many bytes of transcripts the host holds in memory at once. It reads ahead only while at most half of them are held.
    max_inflight_bytes: u64 = 128 << 20, Flag::of_runs("max-inflight-bytes", "BYTES"), "SESSION_HOST_MAX_INFLIGHT_BYTES", "", "";
    /// The maximum size of a transcript, in bytes.
    max_session_bytes: u64 = 1 << 30, Flag::of_runs("max-session-bytes", "BYTES"), "SESSION_HOST_MAX_SESSION_BYTES", "", "";
    /// How long a failed session waits for its next attempt, in seconds; each further failure doubles the wait. At 0 every run retries it.
    retry_backoff_seconds: u64 = 0, None, "SESSION_HOST_RETRY_BACKOFF_SECONDS", "", "";
    /// The longest wait between two attempts of a failing session, in seconds.
    retry_backoff_max_seconds: u64 = 86_400, None, "SESSION_HOST_RETRY_BACKOFF_MAX_SECONDS", "", "";
    /// How many failed attempts put a session in quarantine, where no run attempts it. At 0 no session gets there.
    max_attempts: u64 = 0, None, "SESSION_HOST_MAX_ATTEMPTS", "", "";
    /// The address on which the service listens. An address other than the loopback needs a configured token.
    listen: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7741), Flag::of_serve("listen", "ADDRESS:PORT"), "SESSION_HOST_LISTEN", "", "";
    /// The file that holds the token of the admin interface. The variable SESSION_HOST_API_TOKEN, which holds the token itself, takes precedence.
    api_token_file: PathBuf, None, "SESSION_HOST_API_TOKEN_FILE", "the token that the service creates, in `api-token` in the data directory", "\"/etc/session-host/token\"";
    /// Whether the service serves the page, for browsers.
    web: bool = true, None, "SESSION_HOST_WEB", "", "";
    /// How long a sign-in at the page lasts, in hours.
    web_session_hours: u64 = 12, None, "SESSION_HOST_WEB_SESSION_HOURS", "", "";
    /// The heartbeat of the service, in seconds: how often it starts the runs that are due, and checks health.
    tick_seconds: u64 = 30, None, "SESSION_HOST_TICK_SECONDS", "", "";
    /// How long the service waits after its start before it begins scheduled runs, in seconds.
    startup_grace_seconds: u64 = 60, None, "SESSION_HOST_STARTUP_GRACE_SECONDS", "", "";
    /// How long entries of the audit log are kept, in days.
    audit_retention_days: u64 = 90, None, "SESSION_HOST_AUDIT_RETENTION_DAYS", "", "";
    /// How long a transcript may wait to be processed before health warns, in seconds.
    stuck_file_grace_seconds: u64, None, "SESSION_HOST_STUCK_FILE_GRACE_SECONDS", "eight cadences of the processor", "86400";
    /// Health warns if fewer bytes than this are free on the disk of the state file.
    min_free_bytes: u64 = 256 << 20, None, "SESSION_HOST_MIN_FREE_BYTES", "", "";
    /// The time zone of reports: an IANA name.
    timezone: Zone, None, "SESSION_HOST_TIMEZONE", "the machine's, or UTC if that has no name", "\"Europe/Prague\"";
    /// The day on which the weeks of reports begin: `sunday` or `monday`.
    week_start: WeekStart = WeekStart::Sunday, None, "SESSION_HOST_WEEK_START", "", "";
}

impl ConfigFile {
    /// Reads a configuration file; its relative paths start at its own folder.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, or has an unknown key; the error names file, line and key.
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
            digests: self.digests.map(beside),
            data: self.data.map(beside),
            state: self
                .state
                .map(|state| if is_address(&state) { state } else { beside(state) }),
            snapshots: self.snapshots.map(beside),
            api_token_file: self.api_token_file.map(beside),
            alerts: self.alerts.below(folder),
            ..self
        }
    }
}
