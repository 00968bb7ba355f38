//! What a run writes to: the state, the tables of its processor, and the rules for its SQL.

use std::sync::{Arc, mpsc::SyncSender};

use session_plugin_api::Concurrency;

use super::{message::Message, shared_transaction::SharedTransaction};
use crate::state::{Destination, State, StateError, StatementRules};

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
    /// The transaction that the attempts of a serial processor share.
    pub(super) shared: SharedTransaction,
}

impl Tables {
    /// Commits the sessions that share a transaction, and tells the conductor how they ended.
    ///
    /// # Errors
    /// When the database cannot continue.
    pub(super) fn commit_shared(&self, messages: &SyncSender<Message>) -> Result<(), StateError> {
        let settled = self.shared.commit(&self.state, &self.destination)?;
        if !settled.is_empty() {
            // After the run has ended, nobody receives this any more.
            let _ = messages.send(Message::Settled(settled));
        }
        Ok(())
    }
}
