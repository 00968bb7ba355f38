//! What a run writes to: the state, the tables of its processor, and the rules for its SQL.

use std::sync::Arc;

use session_plugin_api::Concurrency;

use crate::state::{Destination, State, StatementRules};

/// What a run writes to.
pub(super) struct Tables {
    /// The state.
    pub(super) state: Arc<State>,
    /// The processor, its output version and its tables, for the commits.
    pub(super) destination: Destination,
    /// Which statements the processor may run.
    pub(super) rules: StatementRules,
    /// Whether several of its attempts may write at the same time.
    pub(super) concurrency: Concurrency,
}
