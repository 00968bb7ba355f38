//! The tables of one processor, as a run writes them: the state, what its sessions are written with, and the rules of its SQL.

use std::sync::Arc;

use session_plugin_api::Concurrency;

use crate::state::{Destination, State, StatementRules};

/// What a run writes to.
pub(super) struct Tables {
    /// The state.
    pub(super) state: Arc<State>,
    /// What the processor's sessions are written with.
    pub(super) destination: Destination,
    /// What its statements may do.
    pub(super) rules: StatementRules,
    /// How many attempts of it write at the same time.
    pub(super) concurrency: Concurrency,
}
