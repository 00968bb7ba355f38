//! The values that the threads of a run share.
//!
//! # Threads
//! Conductor and workers each hold the context by an `Arc`. A worker that hangs keeps it alive, so that nothing is
//! dropped that its plugin may still use.

use std::sync::{Arc, Mutex, PoisonError, mpsc::SyncSender};

use tracing::Span;

use super::{
    buffers::Buffers, dispatch::Dispatcher, error::RunError, executor::Executor, flights::Flights, lane::Lane,
    limits::RunLimits, memory::MemoryBudget, message::Message, run_log::RunLog, share::Share, tables::Tables,
};
use crate::metrics::Metrics;

/// Everything that the threads of a run share. They own it together, so a run can leave a worker behind that hangs.
pub(super) struct RunContext {
    /// Tells plugins this run from others.
    pub(super) number: u64,
    pub(super) executor: Executor,
    pub(super) tables: Tables,
    pub(super) dispatcher: Dispatcher,
    pub(super) memory: MemoryBudget,
    pub(super) buffers: Buffers,
    pub(super) share: Arc<Share>,
    /// Limits the rows that wait for their commit.
    pub(super) rows: MemoryBudget,
    pub(super) limits: RunLimits,
    pub(super) lane: Lane,
    pub(super) span: Span,
    pub(super) metrics: Metrics,
    /// Sends the workers' messages to the conductor.
    pub(super) messages: SyncSender<Message>,
    pub(super) flights: Flights,
    pub(super) failure: Mutex<Option<RunError>>,
    pub(super) log: RunLog,
}

impl RunContext {
    /// Makes the run end with this error.
    pub(super) fn give_up(&self, error: RunError) {
        self.dispatcher.close();
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
    }

    /// The error with which the run must end, if there is one.
    pub(super) fn take_failure(&self) -> Option<RunError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
