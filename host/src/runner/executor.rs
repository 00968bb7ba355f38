//! The call of a processor: the one place in a run where it is made.
//!
//! An attempt goes in, and its result comes out, whether the code of the processor runs in this process or in a worker
//! process. Limits, retries, commits and records are written once, for both.
//!
//! # Threads
//! The worker that makes the attempt also makes the call. In this process nothing can end a call from outside; in process
//! isolation the conductor kills the worker process.

use std::{path::Path, sync::Arc};

use session_plugin_api::abi::message::{Hooks, Processed};

use super::cancellation::Cancellation;
use crate::{
    names::SessionKey,
    plugins::{Call, CallResult, Cancel, Hook, Processor, Requests, RunsIn, Unending, Watch, Wedge},
    shared_memory::TranscriptSlice,
    state::Seen,
};

/// Calls one processor.
pub(super) struct Executor {
    processor: Arc<Processor>,
}

/// What a processor is called with.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// The path of the transcript.
    pub(super) path: &'a Path,
    /// The session, its user and the version of the transcript.
    pub(super) seen: &'a Seen,
    /// The snapshot.
    pub(super) bytes: TranscriptSlice<'a>,
    /// The number by which the processor tells this run from others.
    pub(super) run: u64,
    /// How long the attempt may continue; `None` for the hook `forgotten`, which belongs to no attempt.
    pub(super) cancellation: Option<Cancellation<'a>>,
}

impl Executor {
    pub(super) fn new(processor: &Arc<Processor>) -> Self {
        Self {
            processor: Arc::clone(processor),
        }
    }

    /// Calls the processor; its requests go to `requests`.
    ///
    /// # Errors
    /// When there is nothing to call, the processor fails, or its result is malformed.
    pub(super) fn call(
        &self,
        attempt: &Attempt<'_>,
        requests: &mut dyn Requests,
        watch: &dyn Watch,
    ) -> CallResult<Processed> {
        self.processor.call(&attempt.call(), requests, watch)
    }

    /// Calls a hook of the processor; `session` is the version that was processed.
    ///
    /// # Errors
    /// When there is nothing to call, or the processor fails.
    pub(super) fn call_hook(
        &self,
        hook: Hook,
        session: &Attempt<'_>,
        requests: &mut dyn Requests,
        watch: &dyn Watch,
    ) -> CallResult<()> {
        self.processor.call_hook(hook, &session.call(), requests, watch)
    }

    /// Where the code of the processor runs.
    pub(super) fn runs_in(&self) -> RunsIn {
        self.processor.runs_in()
    }

    /// The hooks that the processor has.
    pub(super) fn hooks(&self) -> Hooks {
        self.processor.hooks()
    }

    /// Abandons a call that does not return. No run of the processor begins while the wedge exists.
    pub(super) fn abandon(&self, session: &SessionKey) -> Wedge {
        self.processor.wedge(session.as_str())
    }
}

impl Attempt<'_> {
    fn call(&self) -> Call<'_> {
        let cancel: &dyn Cancel = match &self.cancellation {
            Some(cancellation) => cancellation,
            None => &Unending,
        };
        Call::new(self.path, self.seen, self.bytes, self.run, cancel)
    }
}
