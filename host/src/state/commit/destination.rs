//! Where the sessions of a run go.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    names::ProcessorName,
    state::{
        commit::{before::Before, guard::Guard},
        conflict::Judged,
        records::failures::PluginVersion,
        rows::table::FilledTable,
    },
};

/// The processor, its output version and its tables, which the commits need.
pub struct Destination {
    /// The processor.
    pub processor: ProcessorName,
    /// The version of its plugin.
    pub plugin: PluginVersion,
    /// Its session tables.
    pub tables: Vec<Arc<FilledTable>>,
    /// What the state may hold of its sessions.
    pub before: Before,
    /// What was in the way of its commits.
    pub encounters: Encounters,
    /// What each commit checks, where several hosts share the state.
    pub(crate) guard: Option<Arc<dyn Guard>>,
}

/// What was in the way of the commits of a run.
#[derive(Debug, Default)]
pub struct Encounters {
    recorded_already: AtomicU64,
    conflicts: AtomicU64,
}

impl Encounters {
    /// Counts sessions that a commit found recorded already, by another host or by a commit whose answer was lost.
    pub(crate) fn add_recorded_already(&self, sessions: u64) {
        self.recorded_already.fetch_add(sessions, Ordering::Relaxed);
    }

    /// Counts a transaction that was rejected, unless it failed by itself.
    pub(crate) fn add_judged(&self, judged: Judged) {
        if judged != Judged::Fails {
            self.conflicts.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many sessions the commits found recorded already.
    pub(crate) fn recorded_already(&self) -> u64 {
        self.recorded_already.load(Ordering::Relaxed)
    }

    /// How many transactions were rejected because others wrote the same rows or keys.
    pub(crate) fn conflicts(&self) -> u64 {
        self.conflicts.load(Ordering::Relaxed)
    }
}

impl Destination {
    /// Whether this is one of its session tables, in any letter case.
    pub(crate) fn has_session_table(&self, table: &str) -> bool {
        self.tables.iter().any(|known| known.name().eq_ignore_ascii_case(table))
    }
}
