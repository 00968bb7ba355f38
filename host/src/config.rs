//! The configuration file, and the settings that come of it together with flags and environment.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::runner::RunLimits;

/// The configuration file as it is written; every key is optional. Flags and environment give the same keys.
///
/// Paths are relative to the file's folder. Sizes are in bytes, times in seconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The sessions directory: `<sessions>/<username>/<session>.jsonl`.
    pub sessions: Option<PathBuf>,
    /// Whether transcripts in nested folders are taken too.
    pub recursive: Option<bool>,
    /// The one user that all sessions are recorded for.
    pub username: Option<String>,
    /// The plugins directory; `plugins/` beside this file when it is not named.
    pub plugins: Option<PathBuf>,
    /// Where the host keeps what is its own.
    pub data: Option<PathBuf>,
    /// The DuckDB file; `session-host.duckdb` in the data directory when it is not named.
    pub state: Option<PathBuf>,
    /// How many attempts are made at once; the machine's cores when it is not named.
    pub workers: Option<usize>,
    /// How many attempts a run may make.
    pub max_sessions_per_run: Option<u64>,
    /// How long a run may begin attempts.
    pub time_budget_seconds: Option<u64>,
    /// How long one attempt may take.
    pub attempt_timeout_seconds: Option<u64>,
    /// How long attempts may go on after the wish to end.
    pub shutdown_grace_seconds: Option<u64>,
    /// How many bytes of transcripts are held at once.
    pub max_inflight_bytes: Option<u64>,
    /// How large a transcript may be.
    pub max_session_bytes: Option<u64>,
    /// Folder names, and the usernames that are recorded for them.
    #[serde(default)]
    pub users: BTreeMap<String, String>,
    /// Each processor's own section.
    #[serde(default)]
    pub processors: BTreeMap<String, Map<String, Value>>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no TOML, or has a key that is unknown or of the wrong type.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column and key.
        source: Box<toml::de::Error>,
    },
    /// No home directory to put the defaults in.
    #[error("there is no home directory to keep the state in: set HOME, or name a data directory with --data")]
    NoHome,
    /// No sessions directory is named.
    #[error(
        "no sessions directory is named: pass --sessions DIR, set SESSION_HOST_SESSIONS, or write `sessions = \"DIR\"` into {0}"
    )]
    NoSessions(String),
}

/// The settings that are in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration file that was read, or would have been.
    pub file: PathBuf,
    /// The sessions directory, where one is named.
    pub sessions: Option<PathBuf>,
    /// Whether transcripts in nested folders are taken too.
    pub recursive: bool,
    /// The one user that all sessions are recorded for.
    pub username: Option<String>,
    /// The plugins directory.
    pub plugins: PathBuf,
    /// Where the host keeps what is its own.
    pub data: PathBuf,
    /// The DuckDB file.
    pub state: PathBuf,
    /// How far a run may go.
    pub limits: RunLimits,
    /// How many bytes of transcripts are held at once.
    pub max_inflight_bytes: u64,
    /// What the service is set up with.
    pub service: ServiceSettings,
    /// Folder names, and the usernames that are recorded for them.
    pub users: BTreeMap<String, String>,
    /// Each processor's own section.
    pub processors: BTreeMap<String, Map<String, Value>>,
}

/// What the service is set up with.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// Where it listens.
    pub listen: std::net::SocketAddr,
    /// Where the token comes from.
    pub token: TokenSource,
    /// The heartbeat.
    pub tick: Duration,
    /// How long nothing is due after the start.
    pub startup_grace: Duration,
    /// How long the audit log is kept.
    pub audit_retention: Duration,
    /// How long a session may wait before health warns.
    pub stuck_file_grace: Option<Duration>,
}

impl ServiceSettings {
    /// PROVISIONAL
    #[must_use]
    pub fn schedule_of(&self, _name: &crate::names::ProcessorName) -> Option<(String, String)> {
        None
    }
}

/// PROVISIONAL
#[derive(Clone, Debug)]
pub struct TokenSource;

impl TokenSource {
    /// PROVISIONAL
    ///
    /// # Errors
    /// never
    pub fn read(&self) -> Result<Option<ApiToken>, ConfigError> {
        Ok(env::var("SESSION_HOST_API_TOKEN").ok().map(ApiToken))
    }
}

/// PROVISIONAL
#[derive(Clone)]
pub struct ApiToken(String);

impl ApiToken {
    /// PROVISIONAL
    #[must_use]
    pub fn matches(&self, given: &[u8]) -> bool {
        self.0.as_bytes() == given
    }
}

impl ConfigFile {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or has an unknown key; with file, line and key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }
}

impl Settings {
    /// Puts what is given by flags and environment, the file and the defaults together, in this order.
    ///
    /// # Errors
    /// When the file cannot be used; one that was not named may be missing.
    pub fn resolve(named_file: Option<PathBuf>, given: ConfigFile) -> Result<Self, ConfigError> {
        let (path, file) = match named_file {
            Some(path) => {
                let file = ConfigFile::read(&path)?;
                (path, file)
            }
            None => default_file()?,
        };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let beside = |path: PathBuf| folder.join(path);
        let data = match given.data.or_else(|| file.data.map(beside)) {
            Some(data) => data,
            None => home_folder("XDG_DATA_HOME", ".local/share")?,
        };
        Ok(Self {
            sessions: given.sessions.or_else(|| file.sessions.map(beside)),
            recursive: given.recursive.or(file.recursive).unwrap_or(false),
            username: given.username.or(file.username),
            plugins: given
                .plugins
                .unwrap_or_else(|| beside(file.plugins.unwrap_or_else(|| "plugins".into()))),
            state: given
                .state
                .or_else(|| file.state.map(beside))
                .unwrap_or_else(|| data.join("session-host.duckdb")),
            data,
            limits: RunLimits {
                max_sessions: given.max_sessions_per_run.or(file.max_sessions_per_run),
                time_budget: seconds(given.time_budget_seconds, file.time_budget_seconds, 150),
                workers: given
                    .workers
                    .or(file.workers)
                    .filter(|workers| *workers > 0)
                    .unwrap_or_else(cores),
                attempt_timeout: seconds(given.attempt_timeout_seconds, file.attempt_timeout_seconds, 300),
                shutdown_grace: seconds(given.shutdown_grace_seconds, file.shutdown_grace_seconds, 30),
                max_session_bytes: given.max_session_bytes.or(file.max_session_bytes).unwrap_or(1 << 30),
            },
            max_inflight_bytes: given
                .max_inflight_bytes
                .or(file.max_inflight_bytes)
                .unwrap_or(128 << 20),
            service: ServiceSettings {
                listen: env::var("SESSION_HOST_LISTEN").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| std::net::SocketAddr::from(([127, 0, 0, 1], 7741))),
                token: TokenSource,
                tick: Duration::from_secs(env::var("SESSION_HOST_TICK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(30)),
                startup_grace: Duration::from_secs(env::var("SESSION_HOST_STARTUP_GRACE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60)),
                audit_retention: Duration::from_secs(90 * 86400),
                stuck_file_grace: None,
            },
            users: file.users,
            processors: file.processors,
            file: path,
        })
    }

    /// The sessions directory.
    ///
    /// # Errors
    /// When none is named.
    pub fn sessions(&self) -> Result<&Path, ConfigError> {
        self.sessions
            .as_deref()
            .ok_or_else(|| ConfigError::NoSessions(self.file.display().to_string()))
    }
}

fn seconds(given: Option<u64>, file: Option<u64>, default: u64) -> Duration {
    Duration::from_secs(given.or(file).unwrap_or(default))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn default_file() -> Result<(PathBuf, ConfigFile), ConfigError> {
    // Without a home there is no such file, and what lies beside it lies in the working directory.
    let folder = home_folder("XDG_CONFIG_HOME", ".config").unwrap_or_default();
    let path = folder.join("config.toml");
    if folder.as_os_str().is_empty() {
        return Ok((path, ConfigFile::default()));
    }
    match path.exists() {
        true => ConfigFile::read(&path).map(|file| (path, file)),
        false => Ok((path, ConfigFile::default())),
    }
}

fn home_folder(variable: &str, below_home: &str) -> Result<PathBuf, ConfigError> {
    let folder = match env::var_os(variable) {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from(env::var_os("HOME").ok_or(ConfigError::NoHome)?).join(below_home),
    };
    Ok(folder.join("session-host"))
}
