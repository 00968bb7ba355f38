//! The call of a processor: the one place that knows how it is made.
//!
//! A processor is code of a library that is loaded into this process, and is called through the ABI. Whatever is above
//! sees an attempt go in and what came of it come out: the limits, the retries, the commits and the records are written
//! for any way to call. What the plugin hands over is checked here by [`crossing`], and goes on as the host's own values.
//!
//! # Threads
//! The call runs in the thread of the worker that makes it, and nothing can end it from outside. An instance that
//! panicked, or whose attempt was abandoned, may be inconsistent: it is set aside, and later attempts get a fresh one.

use std::{
    cell::RefCell,
    os::unix::ffi::OsStrExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use abi_stable::{
    erased_types::TD_Opaque,
    std_types::{RBox, RResult, RSlice, RStr, RVec},
};
use session_plugin_api::abi::{
    RawAttempt, RawAttempt_TO, RawBatchSink_TO, RawColumn, RawReply,
    message::{Fault, FaultKind, Processed, encode},
};

use super::connection::{Connection, ConnectionError};
use crate::{
    column::Column,
    crossing::{self, Malformed},
    names::SessionKey,
    plugins::{Processor, Wedge},
    state::{NotTaken, Seen},
};

/// Calls one processor.
pub(super) struct Executor {
    processor: Arc<Processor>,
}

/// What a processor is called with, beside its connection.
pub(super) struct Attempt<'a> {
    /// Where the transcript lies.
    pub(super) path: &'a Path,
    /// The session, its user and the version of the transcript.
    pub(super) seen: &'a Seen,
    /// The snapshot.
    pub(super) bytes: &'a [u8],
    /// What the processor tells this run from others by.
    pub(super) run: u64,
}

/// Why a call gave nothing.
pub(super) enum CallError {
    /// There is nothing to call: the last instance was set aside, and no fresh one can be made.
    NoInstance(Fault),
    /// The processor failed.
    Failed(Fault),
    /// What the processor returned is malformed.
    Malformed(Malformed),
}

impl Executor {
    pub(super) fn new(processor: &Arc<Processor>) -> Self {
        Self {
            processor: Arc::clone(processor),
        }
    }

    /// Calls the processor; what it does through its connection is done to `connection`.
    ///
    /// # Errors
    /// When there is no instance, it fails, or it returns what is malformed.
    pub(super) fn call(&self, attempt: &Attempt<'_>, connection: &mut Connection<'_>) -> Result<Processed, CallError> {
        let instance = self.processor.instance().map_err(CallError::NoInstance)?;
        let view = View {
            attempt,
            connection: RefCell::new(&mut *connection),
        };
        let view = RawAttempt_TO::from_value(view, TD_Opaque);
        let result = instance.process_session(&view);
        drop(view);
        let panicked = result.as_ref().is_err_and(|fault| fault.kind == FaultKind::Panic);
        if panicked || connection.is_abandoned() {
            self.processor.set_aside(&instance);
        }
        let processed = result.map_err(CallError::Failed)?;
        crossing::processed(processed).map_err(CallError::Malformed)
    }

    /// Leaves a call alone that does not return: no run of the processor begins as long as the wedge is kept.
    pub(super) fn leave(&self, session: &SessionKey) -> Wedge {
        self.processor.wedge(session.as_str())
    }
}

const STATEMENT: &str = "the statement";

/// An attempt as the plugin sees it.
struct View<'a, 'b> {
    attempt: &'a Attempt<'a>,
    /// A call from within the rows of a query finds it borrowed, and fails.
    connection: RefCell<&'a mut Connection<'b>>,
}

impl<'b> View<'_, 'b> {
    /// Answers a call of the plugin: no panic leaves the host, and the attempt fails whether the plugin passes the error on
    /// or not.
    fn answer(&self, call: impl FnOnce(&mut Connection<'b>) -> Result<u64, ConnectionError>) -> RawReply {
        let result = catch_unwind(AssertUnwindSafe(|| call(&mut self.connection.borrow_mut())));
        match result.unwrap_or(Err(ConnectionError::HostPanicked)) {
            Ok(rows) => RResult::ROk(rows),
            Err(error) => {
                let fault = Fault::error(error.to_string());
                if let Ok(mut connection) = self.connection.try_borrow_mut() {
                    connection.fail(error);
                }
                RResult::RErr(RVec::from(encode(&fault)))
            }
        }
    }
}

impl RawAttempt for View<'_, '_> {
    fn path(&self) -> RSlice<'_, u8> {
        RSlice::from_slice(self.attempt.path.as_os_str().as_bytes())
    }

    fn username(&self) -> RStr<'_> {
        RStr::from_str(&self.attempt.seen.username)
    }

    fn session_key(&self) -> RStr<'_> {
        RStr::from_str(self.attempt.seen.session.as_str())
    }

    fn modified(&self) -> i64 {
        self.attempt.seen.modified.as_micros()
    }

    fn file_hash(&self) -> RStr<'_> {
        RStr::from_str(self.attempt.seen.hash.as_str())
    }

    fn bytes(&self) -> RSlice<'_, u8> {
        RSlice::from_slice(self.attempt.bytes)
    }

    fn run(&self) -> u64 {
        self.attempt.run
    }

    fn replace(&self, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> RawReply {
        self.answer(|connection| {
            let table = crossing::name(table, "the name of a table")?;
            connection.replace(table, &crossing::columns(columns)?)
        })
    }

    fn execute(&self, sql: RStr<'_>, parameters: RSlice<'_, RawColumn<'_>>) -> RawReply {
        self.answer(|connection| {
            let sql = crossing::text(sql, STATEMENT)?;
            connection.execute(sql, &crossing::parameters(parameters)?)
        })
    }

    fn query(
        &self,
        sql: RStr<'_>,
        parameters: RSlice<'_, RawColumn<'_>>,
        mut sink: RawBatchSink_TO<'_, RBox<()>>,
    ) -> RawReply {
        self.answer(|connection| {
            let sql = crossing::text(sql, STATEMENT)?;
            let take = |columns: &[Column<'_>]| {
                let columns: Vec<RawColumn<'_>> = columns.iter().map(crossing::raw).collect();
                match sink.take(RSlice::from_slice(&columns)) {
                    // What the plugin says of their number is not believed.
                    RResult::ROk(_) => Ok(()),
                    RResult::RErr(_) => Err(NotTaken),
                }
            };
            connection.query(sql, &crossing::parameters(parameters)?, take)
        })
    }
}
