//! What the threads of a run share.

use std::sync::{
    Arc, Mutex, PoisonError,
    mpsc::{SyncSender, sync_channel},
};

use session_plugin_api::Concurrency;
use tracing::Span;

use super::{
    dispatch::Dispatcher, error::RunError, executor::Executor, flights::Flights, lane::Lane, limits::RunLimits,
    memory::MemoryBudget, message::Message, run_log::RunLog,
};
use crate::{
    metrics::Metrics,
    state::{Destination, State, StatementRules},
};

/// All that the threads of a run share. They own it, so that one that hangs can be left behind.
pub(super) struct RunContext {
    /// What plugins tell this run from others by.
    pub(super) number: u64,
    pub(super) executor: Executor,
    /// How many attempts the processor takes at once.
    pub(super) concurrency: Concurrency,
    pub(super) state: Arc<State>,
    pub(super) destination: Destination,
    pub(super) rules: StatementRules,
    pub(super) dispatcher: Dispatcher,
    pub(super) memory: MemoryBudget,
    /// Bounds the rows that wait for their commit.
    pub(super) rows: MemoryBudget,
    pub(super) limits: RunLimits,
    pub(super) lane: Lane,
    pub(super) span: Span,
    pub(super) metrics: Metrics,
    pub(super) messages: SyncSender<Message>,
    pub(super) flights: Flights,
    pub(super) failure: Mutex<Option<RunError>>,
    /// What sessions fail of.
    pub(super) log: RunLog,
}

impl RunContext {
    /// Commits the processor's earlier sessions, as far as their attempts have ended.
    pub(super) fn commit_earlier(&self) -> Result<(), String> {
        let ended = || "the run has ended".to_owned();
        let (reply, answer) = sync_channel(1);
        self.messages.send(Message::CommitEarlier(reply)).map_err(|_| ended())?;
        answer.recv().map_err(|_| ended())?
    }

    /// Lets the run end with this error.
    pub(super) fn give_up(&self, error: RunError) {
        self.dispatcher.close();
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
    }

    /// Why the run is to end, if it is.
    pub(super) fn take_failure(&self) -> Option<RunError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
