//! Where the sessions of a run go.

use std::sync::Arc;

use crate::{
    names::ProcessorName,
    state::{commit::before::Before, records::failures::PluginVersion, rows::table::FilledTable},
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
}

impl Destination {
    /// Whether this is one of its session tables, in any letter case.
    pub(crate) fn has_session_table(&self, table: &str) -> bool {
        self.tables.iter().any(|known| known.name().eq_ignore_ascii_case(table))
    }
}
