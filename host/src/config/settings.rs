//! Merges flags, variables, the file and the defaults, in this order, into the settings in force.
//!
//! [`Configured`] keeps the sources apart, so that `session-host config` can say where a value was set. The host works with
//! [`Settings`]: checked values and absolute paths.

use std::{
    collections::BTreeMap,
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value};

use super::{ConfigError, ConfigFile, token::TokenSource};
use crate::{
    names::ProcessorName,
    runner::RunLimits,
    sessions::{Depth, Scanner, Users},
};

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
    pub listen: SocketAddr,
    /// Where the token comes from.
    pub token: TokenSource,
    /// The heartbeat.
    pub tick: Duration,
    /// How long after the start nothing is due.
    pub startup_grace: Duration,
    /// How long the audit log is kept.
    pub audit_retention: Duration,
    /// How long a transcript may wait before health warns; `None` for the default.
    pub stuck_file_grace: Option<Duration>,
    /// With how few free bytes on the disk of the state health warns.
    pub min_free_bytes: u64,
    schedule: BTreeMap<String, String>,
    file: PathBuf,
}

/// What is set, and where.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The configuration file that was read, or would have been.
    pub path: PathBuf,
    /// What the flags set.
    pub flags: ConfigFile,
    /// What the variables set.
    pub variables: ConfigFile,
    /// What the file sets.
    pub file: ConfigFile,
}

impl Configured {
    /// Reads the variables and the file; one that was not named may be missing.
    ///
    /// # Errors
    /// When the file cannot be used, or a variable has a value that it cannot have.
    pub fn read(named_file: Option<PathBuf>, flags: ConfigFile) -> Result<Self, ConfigError> {
        let variables = ConfigFile::from_variables(|variable| env::var_os(variable))?;
        let (path, file) = match named_file {
            Some(path) => {
                let file = ConfigFile::read(&path)?;
                (path, file)
            }
            None => default_file()?,
        };
        Ok(Self {
            path,
            flags,
            variables,
            file,
        })
    }

    /// The settings that come of it.
    ///
    /// # Errors
    /// When a value cannot be, or there is no home directory for what is not named.
    pub fn settings(self) -> Result<Settings, ConfigError> {
        let Self { path, file, .. } = self;
        let set = self.flags.or(self.variables).or(file);
        let data = match set.data.clone() {
            Some(data) => absolute(data),
            None => home_folder("XDG_DATA_HOME", ".local/share")?,
        };
        let (limits, max_inflight_bytes, recursive) = (limits(&set), set.max_inflight_bytes(), set.recursive());
        let service = ServiceSettings {
            listen: set.listen(),
            tick: tick(set.tick_seconds())?,
            startup_grace: Duration::from_secs(set.startup_grace_seconds()),
            audit_retention: days(set.audit_retention_days()),
            stuck_file_grace: set.stuck_file_grace_seconds.map(Duration::from_secs),
            min_free_bytes: set.min_free_bytes(),
            token: TokenSource::choose(set.api_token_file.map(absolute), &data),
            schedule: set.schedule,
            file: path.clone(),
        };
        let beside_the_file = || path.parent().unwrap_or(Path::new("")).join("plugins");
        Ok(Settings {
            sessions: set.sessions.map(absolute),
            recursive,
            username: set.username,
            plugins: absolute(set.plugins.unwrap_or_else(beside_the_file)),
            state: set.state.map_or_else(|| data.join("session-host.duckdb"), absolute),
            data,
            limits,
            max_inflight_bytes,
            service,
            users: set.users,
            processors: set.processors,
            file: path,
        })
    }
}

impl Settings {
    /// The sessions directory.
    ///
    /// # Errors
    /// When none is named.
    pub fn sessions(&self) -> Result<&Path, ConfigError> {
        self.sessions
            .as_deref()
            .ok_or_else(|| ConfigError::NoSessions(self.file.display().to_string()))
    }

    /// What scans the sessions directory.
    ///
    /// # Errors
    /// When none is named.
    pub fn scanner(&self) -> Result<Scanner, ConfigError> {
        let users = match &self.username {
            Some(name) => Users::Person(name.clone()),
            None => Users::Folders(self.users.clone()),
        };
        let depth = match self.recursive {
            true => Depth::Recursive,
            false => Depth::Flat,
        };
        Ok(Scanner::new(self.sessions()?.to_owned(), depth, users))
    }
}

impl ServiceSettings {
    /// How often a processor is to be due, where that is configured, and the place where it is.
    ///
    /// The variable `SESSION_HOST_<NAME>_SCHEDULE` (in capitals, `-` as `_`) stands before `[schedule]` in the file.
    #[must_use]
    pub fn schedule_of(&self, processor: &ProcessorName) -> Option<(String, String)> {
        let name = processor.as_str().to_ascii_uppercase().replace('-', "_");
        let variable = format!("SESSION_HOST_{name}_SCHEDULE");
        if let Some(text) = env::var(&variable).ok().filter(|text| !text.is_empty()) {
            return Some((text, format!("the variable {variable}")));
        }
        let text = self.schedule.get(processor.as_str())?;
        Some((text.clone(), format!("[schedule] of {}", self.file.display())))
    }

    /// The processors that the file has a schedule for.
    pub fn scheduled(&self) -> impl Iterator<Item = &str> {
        self.schedule.keys().map(String::as_str)
    }
}

fn limits(set: &ConfigFile) -> RunLimits {
    RunLimits {
        max_sessions: set.max_sessions_per_run,
        time_budget: Duration::from_secs(set.time_budget_seconds()),
        workers: set.workers.filter(|workers| *workers > 0).unwrap_or_else(cores),
        attempt_timeout: Duration::from_secs(set.attempt_timeout_seconds()),
        shutdown_grace: Duration::from_secs(set.shutdown_grace_seconds()),
        max_session_bytes: set.max_session_bytes(),
    }
}

fn tick(configured: u64) -> Result<Duration, ConfigError> {
    match configured {
        0 => Err(ConfigError::Value {
            key: "tick_seconds",
            value: "0".to_owned(),
            reason: "it must be at least 1",
        }),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

/// A path that means the same in every folder: health, the lists and other commands tell it.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days.saturating_mul(24 * 60 * 60))
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
