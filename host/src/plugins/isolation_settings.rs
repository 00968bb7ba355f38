//! The section `[isolation]`: where the code of each processor runs, and what its worker processes may use.

use std::{collections::BTreeMap, env, ffi::OsStr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::workers::{Confinement, Network, WorkerLimits};

/// Where the code of a processor runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IsolationMode {
    /// In the host.
    #[default]
    InProcess,
    /// In worker processes.
    Process,
}

/// The section as written: keys for all processors, and a section for each that differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct IsolationTable {
    all: IsolationKeys,
    processors: BTreeMap<String, IsolationKeys>,
}

/// The keys of the section. In the section of a processor, `default` is called `mode`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IsolationKeys {
    /// Where the code runs.
    #[serde(alias = "default", skip_serializing_if = "Option::is_none")]
    mode: Option<IsolationMode>,
    /// How long a library may take to open, and each step of loading after it, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    load_timeout_seconds: Option<u64>,
    /// How long an attempt may take, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt_timeout_seconds: Option<u64>,
    /// How many attempts a worker makes before a fresh one takes its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker_max_sessions: Option<u64>,
    /// How long a worker waits for an attempt before it is ended, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker_idle_seconds: Option<u64>,
    /// How much memory the plugin may take in a worker, in bytes; 0 for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_limit: Option<u64>,
    /// How much processor time an attempt may take in a worker, in seconds; 0 for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_limit: Option<u64>,
    /// Whether workers are confined by Landlock and seccomp.
    #[serde(skip_serializing_if = "Option::is_none")]
    confine: Option<bool>,
    /// Whether a confined worker may use the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<bool>,
    /// The files and folders that a confined worker may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    readable: Option<Vec<PathBuf>>,
}

/// The variable [`ISOLATION_VARIABLE`] has an invalid value.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither `in-process` nor `process`")]
pub struct InvalidIsolation(pub String);

/// The isolation in force.
#[derive(Clone, Debug)]
pub struct Isolation {
    table: IsolationTable,
    default: IsolationMode,
}

/// The isolation of one processor.
#[derive(Clone, Debug)]
pub struct ProcessorIsolation {
    /// Where its code runs.
    pub mode: IsolationMode,
    /// How long its attempts may take; `None` for as long as those of all processors.
    pub attempt_timeout: Option<Duration>,
    /// What its workers may use.
    pub limits: WorkerLimits,
    /// What its workers may reach; `None` for everything that the host may.
    pub confinement: Option<Confinement>,
}

/// The defaults of the keys that limit workers.
const DEFAULTS: WorkerLimits = WorkerLimits {
    load_timeout: Duration::from_secs(30),
    max_sessions: 1000,
    idle: Duration::from_secs(60),
    memory: Some(4 << 30),
    cpu: None,
};

/// The variable that sets the default mode.
pub const ISOLATION_VARIABLE: &str = "SESSION_HOST_ISOLATION";

const SHORTEST_LOAD_TIMEOUT: Duration = Duration::from_secs(1);

/// A year: long enough, and no moment overflows.
const LONGEST_LOAD_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

impl IsolationMode {
    /// The mode that a variable sets. What is not UTF-8 is none.
    fn of_variable(value: &OsStr) -> Result<Self, InvalidIsolation> {
        let value = value.to_string_lossy().into_owned();
        serde_json::from_value(Value::String(value.clone())).map_err(|_| InvalidIsolation(value))
    }
}

impl TryFrom<Map<String, Value>> for IsolationTable {
    type Error = String;

    fn try_from(section: Map<String, Value>) -> Result<Self, String> {
        let (processors, all): (Map<_, _>, Map<_, _>) = section.into_iter().partition(|(_, value)| value.is_object());
        let keys =
            |place: &str, value| serde_json::from_value(value).map_err(|error| format!("[isolation{place}]: {error}"));
        let processors = processors
            .into_iter()
            .map(|(name, value)| Ok((name.clone(), keys(&format!(".{name}"), value)?)))
            .collect::<Result<_, String>>()?;
        Ok(Self {
            all: keys("", Value::Object(all))?,
            processors,
        })
    }
}

impl From<IsolationTable> for Map<String, Value> {
    fn from(table: IsolationTable) -> Self {
        let keys = |keys| match serde_json::to_value(keys) {
            Ok(Value::Object(keys)) => keys,
            _ => Self::new(),
        };
        let mut section = keys(table.all);
        if let Some(mode) = section.remove("mode") {
            section.insert("default".to_owned(), mode);
        }
        section.extend(
            table
                .processors
                .into_iter()
                .map(|(name, own)| (name, Value::Object(keys(own)))),
        );
        section
    }
}

impl IsolationTable {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Isolation {
    /// The isolation that the section and the variable `SESSION_HOST_ISOLATION` set. The variable takes precedence over the
    /// section's `default`.
    ///
    /// # Errors
    /// When the variable has an invalid value.
    pub fn new(table: IsolationTable) -> Result<Self, InvalidIsolation> {
        let default = match env::var_os(ISOLATION_VARIABLE) {
            Some(value) if !value.is_empty() => IsolationMode::of_variable(&value)?,
            _ => table.all.mode.unwrap_or_default(),
        };
        Ok(Self { table, default })
    }

    /// The isolation of a processor.
    #[must_use]
    pub fn of(&self, processor: &str) -> ProcessorIsolation {
        let nothing = IsolationKeys::default();
        let own = self.table.processors.get(processor).unwrap_or(&nothing);
        let all = &self.table.all;
        let seconds = |own: Option<u64>, all: Option<u64>, unset| own.or(all).map_or(unset, Duration::from_secs);
        let limit =
            |own: Option<u64>, all: Option<u64>| own.or(all).map(|limit| Some(limit).filter(|limit| *limit > 0));
        let confines = own.confine.or(all.confine).unwrap_or(false);
        let network = match own.network.or(all.network).unwrap_or(false) {
            true => Network::Allowed,
            false => Network::Denied,
        };
        let max_sessions = own.worker_max_sessions.or(all.worker_max_sessions);
        ProcessorIsolation {
            mode: own.mode.unwrap_or(self.default),
            attempt_timeout: own
                .attempt_timeout_seconds
                .or(all.attempt_timeout_seconds)
                .map(Duration::from_secs),
            limits: WorkerLimits {
                load_timeout: seconds(
                    own.load_timeout_seconds,
                    all.load_timeout_seconds,
                    DEFAULTS.load_timeout,
                )
                .clamp(SHORTEST_LOAD_TIMEOUT, LONGEST_LOAD_TIMEOUT),
                max_sessions: max_sessions.unwrap_or(DEFAULTS.max_sessions).max(1),
                idle: seconds(own.worker_idle_seconds, all.worker_idle_seconds, DEFAULTS.idle),
                memory: limit(own.memory_limit, all.memory_limit).unwrap_or(DEFAULTS.memory),
                cpu: match limit(own.cpu_limit, all.cpu_limit) {
                    Some(seconds) => seconds.map(Duration::from_secs),
                    None => DEFAULTS.cpu,
                },
            },
            confinement: confines.then(|| Confinement {
                readable: own
                    .readable
                    .clone()
                    .or_else(|| all.readable.clone())
                    .unwrap_or_default(),
                network,
            }),
        }
    }

    /// The isolation of a library on trial, which has not told the name of its processor: confined if any processor is, and
    /// with the longest time of all to load.
    #[must_use]
    pub fn of_trial(&self) -> ProcessorIsolation {
        let mut trial = self.of("");
        for own in self.table.processors.keys().map(|name| self.of(name)) {
            trial.limits.load_timeout = trial.limits.load_timeout.max(own.limits.load_timeout);
            trial.confinement = match (trial.confinement, own.confinement) {
                (Some(one), Some(other)) => Some(one.or(other)),
                (one, other) => one.or(other),
            };
        }
        trial
    }

    /// The same, with the code of every processor in worker processes.
    #[must_use]
    pub fn in_processes(mut self) -> Self {
        self.default = IsolationMode::Process;
        self.table.processors.values_mut().for_each(|own| own.mode = None);
        self
    }

    /// The same, with worker processes that make any number of attempts.
    #[must_use]
    pub fn in_lasting_processes(mut self) -> Self {
        let all = std::iter::once(&mut self.table.all).chain(self.table.processors.values_mut());
        for keys in all {
            keys.worker_max_sessions = Some(u64::MAX);
            keys.worker_idle_seconds = Some(LONGEST_LOAD_TIMEOUT.as_secs());
        }
        self
    }

    /// Whether a processor may run in the host: no section of its own says otherwise, and nothing confines it.
    #[must_use]
    pub fn allows_in_host(&self, processor: &str) -> bool {
        let own = self.table.processors.get(processor).and_then(|own| own.mode);
        own != Some(IsolationMode::Process) && self.of(processor).confinement.is_none()
    }

    /// The processors that have a section of their own.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.table.processors.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn a_variable_that_is_no_mode_is_told() {
        let mode = |value: &[u8]| IsolationMode::of_variable(OsStr::from_bytes(value)).map_err(|error| error.0);
        assert_eq!(mode(b"process"), Ok(IsolationMode::Process));
        assert_eq!(mode(b"in-process"), Ok(IsolationMode::InProcess));
        assert_eq!(mode(b"processes"), Err("processes".to_owned()));
        assert_eq!(mode(b"process\xff"), Err("process\u{fffd}".to_owned()));
    }
}
