//! The call of a processor: the one place in a run where it is made.
//!
//! An attempt goes in, and its result comes out, whether the code of the processor runs in this process or in a worker
//! process. Limits, retries, commits and records are written once, for both.
//!
//! # Threads
//! The worker that makes the attempt also makes the call. In this process nothing can end a call from outside; in process
//! isolation the conductor kills the worker process.

use std::{path::Path, sync::Arc};

use super::{cancellation::Cancellation, connection::Connection, flight::Flight};
use crate::{
    names::SessionKey,
    plugins::{Call, CallResult, Processor, Wedge},
    state::Seen,
};

/// Calls one processor.
pub(super) struct Executor {
    processor: Arc<Processor>,
}

/// What a processor is called with.
pub(super) struct Attempt<'a> {
    /// The path of the transcript.
    pub(super) path: &'a Path,
    /// The session, its user and the version of the transcript.
    pub(super) seen: &'a Seen,
    /// The snapshot.
    pub(super) bytes: &'a [u8],
    /// The number by which the processor tells this run from others.
    pub(super) run: u64,
    /// How long the attempt may go on.
    pub(super) cancellation: Cancellation<'a>,
}

impl Executor {
    pub(super) fn new(processor: &Arc<Processor>) -> Self {
        Self {
            processor: Arc::clone(processor),
        }
    }

    /// Calls the processor; its requests go to `connection`.
    ///
    /// # Errors
    /// When there is nothing to call, the processor fails, or its result is malformed.
    pub(super) fn call(&self, attempt: &Attempt<'_>, connection: &mut Connection<'_>, flight: &Flight) -> CallResult {
        let call = Call::new(
            attempt.path,
            attempt.seen,
            attempt.bytes,
            attempt.run,
            &attempt.cancellation,
        );
        self.processor.call(&call, connection, flight)
    }

    /// Abandons a call that does not return. No run of the processor begins while the wedge exists.
    pub(super) fn abandon(&self, session: &SessionKey) -> Wedge {
        self.processor.wedge(session.as_str())
    }
}
