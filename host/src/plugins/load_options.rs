//! The options of loading: the folders, whose files are trusted, and what happens to the tables.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value};

use super::{claims::Claims, permissions::PluginTrust};
use crate::{
    names::ProcessorName,
    state::{Reader, State},
};

/// What plugins are loaded with.
pub struct LoadOptions<'a> {
    /// The plugins directory.
    pub folder: &'a Path,
    /// The host's data directory, which takes the private copies.
    pub data: &'a Path,
    /// Whose files are taken.
    pub trust: PluginTrust,
    /// The processors' sections of the configuration.
    pub configurations: &'a BTreeMap<String, Map<String, Value>>,
    /// What becomes of their tables.
    pub tables: Tables<'a>,
    /// Which processors are occupied: those are not replaced.
    pub claims: &'a Claims,
    /// The processor that the caller has claimed already.
    pub claimed: Option<&'a ProcessorName>,
}

/// What becomes of the processors' tables.
#[derive(Clone, Copy)]
pub enum Tables<'a> {
    /// They are made in this state, and brought up to date.
    Made(&'a State),
    /// They are looked at alone.
    LookedAt {
        /// The state that they are compared with, which stays as it is; `None` where there is none, or it cannot be had.
        state: Option<&'a Reader>,
        /// A state of the look's own, in which the tables of processors that are new are tried.
        scratch: &'a State,
    },
}
