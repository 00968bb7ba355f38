//! Merges flags, variables, the file and the defaults, in this order, into the settings in force.
//!
//! [`Configured`] keeps the sources apart, so that `session-host config` can show where a value was set. The host works
//! with [`Settings`]: checked values and absolute paths.

use std::{
    collections::BTreeMap,
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value};

use super::{
    ConfigError, ConfigFile,
    alerts::AlertSettings,
    named_tokens::NamedToken,
    plugins_directory::{PluginsDirectory, listed},
    token::TokenSource,
};
use crate::{
    names::ProcessorName,
    plugins::{ISOLATION_VARIABLE, InvalidIsolation, Isolation, IsolationTable, LockFile, Pinning, Unpinned},
    runner::{RetryPolicy, RunLimits},
    sessions::{Depth, Discovery, Scanner, SessionsDirectory, Users, name_of_this_user},
    state_place::{SharedFolders, StatePlace, is_address},
    week::WeekStart,
    zone::Zone,
};

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The path of the configuration file, whether or not the file exists.
    pub file: PathBuf,
    /// The sessions directories.
    pub sessions: SessionsDirectory,
    /// Whether transcripts in nested folders are processed too.
    pub recursive: bool,
    /// The username that the host records for all sessions.
    pub username: Option<String>,
    /// The plugins directory.
    pub plugins: PluginsDirectory,
    /// Which digests plugin files must have.
    pub pinning: Pinning,
    /// The names of the plugin files that are not loaded.
    pub disabled_plugins: Vec<String>,
    /// The data directory, where the host keeps its own files.
    pub data: PathBuf,
    /// Where the state is.
    pub state: StatePlace,
    /// How long hosts that share the state wait for one that is silent.
    pub lease: Duration,
    /// The limits of a run.
    pub limits: RunLimits,
    /// How many bytes of transcripts the host holds in memory at once.
    pub max_inflight_bytes: u64,
    /// The settings of the service.
    pub service: ServiceSettings,
    /// The time zone of reports.
    pub timezone: Zone,
    /// The day on which the weeks of reports begin.
    pub week_start: WeekStart,
    /// What the host alerts of.
    pub alerts: AlertSettings,
    /// Where the code of processors runs.
    pub isolation: Isolation,
    /// The recorded username of each folder.
    pub users: BTreeMap<String, String>,
    /// Each processor's own section.
    pub processors: BTreeMap<String, Map<String, Value>>,
}

/// The settings of the service.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// The address on which it listens.
    pub listen: SocketAddr,
    /// The source of the token.
    pub token: TokenSource,
    /// The tokens beside the main one.
    pub tokens: Vec<NamedToken>,
    /// How long a sign-in at the page lasts; `None` if the service serves no page.
    pub page: Option<Duration>,
    /// The heartbeat.
    pub tick: Duration,
    /// How long after its start the service begins no scheduled run.
    pub startup_grace: Duration,
    /// How long entries of the audit log are kept.
    pub audit_retention: Duration,
    /// How long a transcript may wait before health warns; `None` for the default.
    pub stuck_file_grace: Option<Duration>,
    /// Health warns if the disk of the state has fewer free bytes than this.
    pub min_free_bytes: u64,
    /// How often one of the hosts that share a state writes a snapshot.
    pub snapshot_interval: Duration,
    schedule: BTreeMap<String, String>,
    file: PathBuf,
}

/// The settings of each source.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The path of the configuration file, whether or not the file exists.
    pub path: PathBuf,
    /// The settings of the flags.
    pub flags: ConfigFile,
    /// The settings of the variables.
    pub variables: ConfigFile,
    /// The settings of the file.
    pub file: ConfigFile,
}

impl Configured {
    /// Reads the variables and the file. The file may be missing unless `named_file` names it.
    ///
    /// # Errors
    /// When the file cannot be used, or a variable has an invalid value.
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

    /// The settings in force: the sources merged.
    ///
    /// # Errors
    /// When a value is invalid, or a default path needs a home directory and there is none.
    pub fn settings(self) -> Result<Settings, ConfigError> {
        let Self { path, file, .. } = self;
        let set = self.flags.or(self.variables).or(file);
        let data = data_directory(set.data.clone())?;
        let required = set.require_digests();
        let (limits, max_inflight_bytes, recursive) = (limits(&set), set.max_inflight_bytes(), set.recursive());
        let week_start = set.week_start();
        let lease = at_least_one_second("lease_seconds", set.lease_seconds())?;
        let service = ServiceSettings {
            listen: set.listen(),
            tokens: NamedToken::all(set.tokens.clone(), &path)?,
            page: page(&set)?,
            tick: at_least_one_second("tick_seconds", set.tick_seconds())?,
            startup_grace: Duration::from_secs(set.startup_grace_seconds()),
            audit_retention: days(set.audit_retention_days()),
            stuck_file_grace: set.stuck_file_grace_seconds.map(Duration::from_secs),
            min_free_bytes: set.min_free_bytes(),
            snapshot_interval: Duration::from_secs(set.snapshot_seconds()),
            token: TokenSource::choose(set.api_token_file.map(absolute), &data),
            schedule: set.schedule,
            file: path.clone(),
        };
        let plugins = PluginsDirectory::choose(set.plugins, &path, &data);
        Ok(Settings {
            sessions: match set.sessions {
                Some(named) => SessionsDirectory::Configured(absolute(named)),
                None => SessionsDirectory::Discovered(Discovery::of_this_user()),
            },
            recursive,
            username: set.username,
            pinning: pinning(set.digests, required, plugins.path()),
            plugins,
            disabled_plugins: set.disabled_plugins.unwrap_or_default(),
            state: state_place(set.state, set.snapshots, &data)?,
            lease,
            data,
            limits,
            max_inflight_bytes,
            service,
            timezone: set.timezone.unwrap_or_else(Zone::of_the_machine),
            week_start,
            alerts: AlertSettings::new(set.alerts, &path)?,
            isolation: isolation(set.isolation)?,
            users: set.users,
            processors: set.processors,
            file: path,
        })
    }
}

impl Settings {
    /// The limits of a processor's runs: those of all runs, with the attempt time-out of its section in `[isolation]`.
    #[must_use]
    pub fn limits_of(&self, processor: &ProcessorName) -> RunLimits {
        let own = self.isolation.of(processor.as_str()).attempt_timeout;
        RunLimits {
            attempt_timeout: own.unwrap_or(self.limits.attempt_timeout),
            ..self.limits.clone()
        }
    }

    /// The plugins directory.
    ///
    /// # Errors
    /// When none is set, and none is found.
    pub fn plugins(&self) -> Result<&Path, ConfigError> {
        match &self.plugins {
            PluginsDirectory::Nowhere(places) => Err(ConfigError::NoPlugins {
                looked_at: listed(places),
            }),
            directory => Ok(directory.path()),
        }
    }

    /// The scanner of the sessions directories.
    ///
    /// # Errors
    /// When none is set, and none is found.
    pub fn scanner(&self) -> Result<Scanner, ConfigError> {
        let users = match (&self.username, &self.sessions) {
            (_, SessionsDirectory::Discovered(discovery)) if discovery.found().is_empty() => {
                return Err(ConfigError::NoSessions {
                    looked_at: discovery.looked_at(),
                    file: self.file.clone(),
                });
            }
            (Some(name), _) => Users::Person(name.clone()),
            (None, SessionsDirectory::Configured(_)) => Users::Folders(self.users.clone()),
            (None, SessionsDirectory::Discovered(_)) => Users::Person(name_of_this_user()),
        };
        let depth = match self.recursive {
            true => Depth::Recursive,
            false => Depth::Flat,
        };
        Ok(Scanner::new(self.sessions.folders(), depth, users))
    }
}

impl ServiceSettings {
    /// The configured schedule of a processor, and where it is set.
    ///
    /// The variable `SESSION_HOST_<NAME>_SCHEDULE` (in capitals, `-` as `_`) takes precedence over `[schedule]` in the file.
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
        retry: RetryPolicy {
            backoff: Duration::from_secs(set.retry_backoff_seconds()),
            backoff_max: Duration::from_secs(set.retry_backoff_max_seconds()),
            max_attempts: Some(set.max_attempts()).filter(|attempts| *attempts > 0),
        },
    }
}

fn isolation(table: IsolationTable) -> Result<Isolation, ConfigError> {
    Isolation::new(table).map_err(|InvalidIsolation(value)| ConfigError::Value {
        key: ISOLATION_VARIABLE,
        value,
        reason: "it must be `in-process` or `process`",
    })
}

/// The lock file, and what becomes of a file without a digest in it.
fn pinning(digests: Option<PathBuf>, required: bool, plugins: &Path) -> Pinning {
    Pinning {
        lock: match digests {
            Some(named) => LockFile::Named(absolute(named)),
            None => LockFile::Usual(plugins.join("plugins.lock")),
        },
        unpinned: match required {
            true => Unpinned::Rejected,
            false => Unpinned::Loaded,
        },
    }
}

/// How long a sign-in at the page lasts, if there is a page.
fn page(set: &ConfigFile) -> Result<Option<Duration>, ConfigError> {
    match (set.web(), set.web_session_hours()) {
        (_, 0) => Err(ConfigError::Value {
            key: "web_session_hours",
            value: "0".to_owned(),
            reason: "it must be at least 1; `web = false` turns the page off",
        }),
        (true, hours) => Ok(Some(Duration::from_secs(hours.saturating_mul(60 * 60)))),
        (false, _) => Ok(None),
    }
}

fn at_least_one_second(key: &'static str, configured: u64) -> Result<Duration, ConfigError> {
    match configured {
        0 => Err(ConfigError::Value {
            key,
            value: "0".to_owned(),
            reason: "it must be at least 1",
        }),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

/// The data directory that is set, or the usual one.
pub(super) fn data_directory(named: Option<PathBuf>) -> Result<PathBuf, ConfigError> {
    match named {
        Some(named) => Ok(absolute(named)),
        None => home_folder("XDG_DATA_HOME", ".local/share"),
    }
}

/// Where the state is: by default in a file in the data directory.
fn state_place(
    configured: Option<PathBuf>,
    snapshots: Option<PathBuf>,
    data: &Path,
) -> Result<StatePlace, ConfigError> {
    let mut place = named_state(configured.unwrap_or_else(|| data.join("session-host.duckdb")), data)?;
    if let StatePlace::Postgres { folders, .. } = &mut place {
        folders.snapshots = snapshots.map(absolute);
    }
    Ok(place)
}

/// The place of a state that is named by a path or an address, without snapshots. Exports from a database go to the data
/// directory.
///
/// # Errors
/// When it is an address that cannot be read.
pub fn named_state(named: PathBuf, data: &Path) -> Result<StatePlace, ConfigError> {
    match is_address(&named) {
        true => Ok(StatePlace::Postgres {
            address: named.to_string_lossy().parse().map_err(ConfigError::StateAddress)?,
            folders: SharedFolders {
                exports: data.join("exports"),
                snapshots: None,
            },
        }),
        false => Ok(StatePlace::File(absolute(named))),
    }
}

/// An absolute path, because health, the lists and other commands show it.
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
    // Without a home there is no such file, and paths relative to it start at the working directory.
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
