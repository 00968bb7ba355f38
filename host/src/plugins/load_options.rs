//! The options of loading: the folders, whose files are trusted, and whether tables are changed.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::{Map, Value};

use super::{claims::Claims, isolation_settings::Isolation, permissions::PluginTrust, pins::Pinning};
use crate::{
    names::ProcessorName,
    state::{Reader, State},
};

/// The options for loading plugins.
pub struct LoadOptions<'a> {
    /// The plugins directory.
    pub folder: &'a Path,
    /// The host's data directory, which holds the private copies.
    pub data: &'a Path,
    /// Whose files are trusted.
    pub trust: PluginTrust,
    /// Which digests the files must have; `None` for any.
    pub pinning: Option<&'a Pinning>,
    /// The names of the files that are not loaded.
    pub disabled: &'a [String],
    /// The processors' sections of the configuration.
    pub configurations: &'a BTreeMap<String, Map<String, Value>>,
    /// Where the code of each processor runs.
    pub isolation: &'a Isolation,
    /// How their tables are prepared.
    pub tables: Tables<'a>,
    /// Whose reports are tried.
    pub reports: TriedReports,
    /// The occupied processors, which are not replaced.
    pub claims: &'a Claims,
    /// The only processor that is needed. Files that are known to hold another one are left out. `None` for all.
    pub only: Option<&'a str>,
    /// The processor that the caller has already claimed.
    pub claimed: Option<&'a ProcessorName>,
}

/// Whose reports are tried. It takes DuckDB some milliseconds to plan each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriedReports {
    /// Those of every processor.
    All,
    /// Those of libraries whose reports this version of the host has not tried yet. Where the tables are made, they are tried
    /// when somebody first asks for the reports, so that a run need not wait for them.
    OfNewLibraries,
    /// None. A report that is run says itself why it fails.
    None,
}

/// How the processors' tables are prepared.
#[derive(Clone, Copy)]
pub enum Tables<'a> {
    /// They are created in this state, and migrated.
    Made(&'a Arc<State>),
    /// They are only checked; the state is not changed.
    LookedAt {
        /// The state to compare with, which is not changed; `None` if there is none, or if it cannot be opened.
        state: Option<&'a Reader>,
        /// A temporary state, in which the tables of new processors are tried.
        scratch: &'a State,
    },
    /// They are only compared with this state, to find pending migrations. Their declarations are not tried.
    Compared(&'a Reader),
}
