//! Where the sessions of a run go.

use std::sync::{Arc, atomic::AtomicU64};

use crate::{
    names::ProcessorName,
    state::{
        commit::{before::Before, guard::Guard},
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
    /// How many sessions the commits found recorded already, by another host or by a commit whose answer was lost.
    pub recorded_already: AtomicU64,
    /// What each commit checks, where several hosts share the state.
    pub(crate) guard: Option<Arc<dyn Guard>>,
}

impl Destination {
    /// Whether this is one of its session tables, in any letter case.
    pub(crate) fn has_session_table(&self, table: &str) -> bool {
        self.tables.iter().any(|known| known.name().eq_ignore_ascii_case(table))
    }
}
