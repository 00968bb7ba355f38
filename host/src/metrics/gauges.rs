//! Gauges: the findings of the last health check.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use session_plugin_api::Timestamp;

use super::{
    labels::{OfProcessor, OfStatus, OfWarning},
    registered,
};
use crate::{names::ProcessorName, plugins::PluginStatus, state::StateFiles};

/// The observed sessions of a processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObservedSessions {
    /// How many wait to be processed.
    pub waiting: u64,
    /// How many failed at their last attempt.
    pub failing: u64,
    /// How many of these are in quarantine.
    pub quarantined: u64,
    /// Whether the processor is paused.
    pub paused: bool,
    /// How many hold no known record.
    pub unrecognised: u64,
    /// How many lines in all of them could not be read.
    pub unreadable_lines: u64,
    /// When a session was last processed or found unchanged, or when the last run began if it succeeded; `None` until then.
    pub last_success: Option<Timestamp>,
}

/// The number of warnings of one kind, for a processor or for the whole service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedWarnings {
    /// The kind.
    pub kind: &'static str,
    /// The processor; `None` for the whole service.
    pub processor: Option<String>,
    /// How many warnings there are.
    pub count: u64,
}

#[derive(Debug)]
pub(super) struct Gauges {
    backlog: Family<OfProcessor, Gauge>,
    failing: Family<OfProcessor, Gauge>,
    quarantined: Family<OfProcessor, Gauge>,
    paused: Family<OfProcessor, Gauge>,
    unrecognised: Family<OfProcessor, Gauge>,
    unreadable_lines: Family<OfProcessor, Gauge>,
    last_success: Family<OfProcessor, Gauge>,
    plugins: Family<OfStatus, Gauge>,
    warnings: Family<OfWarning, Gauge>,
    unreadable: Gauge,
    state_file: Gauge,
    state_wal: Gauge,
    disk_free: Gauge,
    /// The processors that have gauges.
    observed: Mutex<BTreeSet<ProcessorName>>,
}

impl Gauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let last_success = Family::default();
        registry.register_with_unit(
            "last_success_timestamp",
            "When a session was last processed or found unchanged, or the last successful run began, since the epoch",
            Unit::Seconds,
            Family::clone(&last_success),
        );
        let mut bytes = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register_with_unit(name, help, Unit::Bytes, Gauge::clone(&gauge));
            gauge
        };
        let state_file = bytes("state_file", "The size of the state file");
        let state_wal = bytes("state_wal", "The size of the WAL beside the state file");
        let disk_free = bytes("disk_free", "Free space on the disk of the state");
        let unreadable = Gauge::default();
        let help = "Files and folders below the sessions directory that cannot be read";
        registry.register("unreadable_files", help, Gauge::clone(&unreadable));
        Self {
            backlog: registered(registry, "backlog_sessions", "Sessions that wait to be processed"),
            failing: registered(registry, "failing_sessions", "Sessions whose last attempt failed"),
            quarantined: registered(
                registry,
                "quarantined_sessions",
                "Sessions that failed so often that no run attempts them",
            ),
            paused: registered(registry, "paused", "Whether the processor is paused"),
            unrecognised: registered(
                registry,
                "unrecognised_sessions",
                "Transcripts that hold no known record",
            ),
            unreadable_lines: registered(
                registry,
                "unreadable_lines",
                "Lines of transcripts that could not be read",
            ),
            last_success,
            plugins: registered(registry, "plugins", "Files of the plugins directory, by status"),
            warnings: registered(registry, "health_warnings", "Current health warnings, by kind"),
            unreadable,
            state_file,
            state_wal,
            disk_free,
            observed: Mutex::default(),
        }
    }

    pub(super) fn set_sessions(&self, sessions: impl IntoIterator<Item = (ProcessorName, ObservedSessions)>) {
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = std::mem::take(&mut *observed);
        for (processor, sessions) in sessions {
            let label = OfProcessor::new(&processor);
            set(&self.backlog, &label, sessions.waiting);
            set(&self.failing, &label, sessions.failing);
            set(&self.quarantined, &label, sessions.quarantined);
            set(&self.paused, &label, sessions.paused.into());
            set(&self.unrecognised, &label, sessions.unrecognised);
            set(&self.unreadable_lines, &label, sessions.unreadable_lines);
            if let Some(at) = sessions.last_success {
                self.last_success.get_or_create(&label).set(at.as_micros() / 1_000_000);
            }
            observed.insert(processor);
        }
        for label in gone.difference(&observed).map(OfProcessor::new) {
            for family in self.of_sessions() {
                family.remove(&label);
            }
        }
    }

    fn of_sessions(&self) -> [&Family<OfProcessor, Gauge>; 7] {
        let Self {
            backlog,
            failing,
            quarantined,
            paused,
            unrecognised,
            unreadable_lines,
            last_success,
            ..
        } = self;
        [
            backlog,
            failing,
            quarantined,
            paused,
            unrecognised,
            unreadable_lines,
            last_success,
        ]
    }

    pub(super) fn set_surroundings(&self, unreadable: u64, files: Option<&StateFiles>) {
        self.unreadable.set(whole(unreadable));
        if let Some(files) = files {
            self.state_file.set(whole(files.file_bytes));
            self.state_wal.set(whole(files.wal_bytes));
            self.disk_free.set(whole(files.free_bytes));
        }
    }

    pub(super) fn set_plugins(&self, statuses: impl IntoIterator<Item = &'static str>) {
        let found: Vec<&str> = statuses.into_iter().collect();
        for status in PluginStatus::LABELS {
            let count = found.iter().filter(|label| **label == status).count();
            set(&self.plugins, &OfStatus { status }, count as u64);
        }
    }

    /// Replaces the earlier warnings by these.
    pub(super) fn set_warnings(&self, warnings: impl IntoIterator<Item = CountedWarnings>) {
        self.warnings.clear();
        for warning in warnings {
            let label = OfWarning {
                kind: warning.kind,
                processor: warning.processor.unwrap_or_default(),
            };
            set(&self.warnings, &label, warning.count);
        }
    }
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn set<L: Clone + std::hash::Hash + Eq>(family: &Family<L, Gauge>, label: &L, value: u64) {
    family.get_or_create(label).set(whole(value));
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;

    #[test]
    fn removed_plugins_are_no_longer_counted() {
        let metrics = Metrics::default();
        metrics.set_plugins(["rejected"]);
        metrics.set_plugins(["loaded"]);
        assert!(
            metrics
                .encode([])
                .contains(r#"session_host_plugins{status="rejected"} 0"#)
        );
    }

    #[test]
    fn removed_processors_have_no_session_gauges() {
        let metrics = Metrics::default();
        metrics.set_sessions([("usage".parse().unwrap(), super::ObservedSessions::default())]);
        assert!(metrics.encode([]).contains("session_host_backlog_sessions{"));
        metrics.set_sessions([]);
        assert!(!metrics.encode([]).contains("session_host_backlog_sessions{"));
    }
}
