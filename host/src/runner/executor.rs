//! Calls a processor. No other module knows how that is done.
//!
//! A processor is code in a library that this process has loaded, and the host calls it through the ABI. The modules
//! above only pass an attempt in and get its result back, so limits, retries, commits and records do not depend on the
//! kind of call. [`crossing`] checks what the plugin hands over and turns it into the host's own values.
//!
//! # Threads
//! A call runs on the thread of its worker, and nothing can end it from outside. An instance that panicked, or whose
//! attempt was abandoned, may be inconsistent: it is set aside, and later attempts get a fresh one.

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

/// What a processor is called with, besides its connection.
pub(super) struct Attempt<'a> {
    /// The path of the transcript.
    pub(super) path: &'a Path,
    /// The session, its user and the version of the transcript.
    pub(super) seen: &'a Seen,
    /// The snapshot.
    pub(super) bytes: &'a [u8],
    /// Tells the processor this run from others.
    pub(super) run: u64,
}

/// Why a call returned no result.
pub(super) enum CallError {
    /// There is no instance to call: the last one was set aside, and a fresh one cannot be created.
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

    /// Calls the processor. Its calls through the ABI reach `connection`.
    ///
    /// # Errors
    /// When there is no instance, when the processor fails, or when it returns malformed data.
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

    /// Gives up on a call that does not return. No run of the processor begins while the wedge exists.
    pub(super) fn leave(&self, session: &SessionKey) -> Wedge {
        self.processor.wedge(session.as_str())
    }
}

const STATEMENT: &str = "the statement";

/// An attempt as the plugin sees it.
struct View<'a, 'b> {
    attempt: &'a Attempt<'a>,
    /// While the rows of a query are handed over, it is borrowed: a call that the plugin makes then fails.
    connection: RefCell<&'a mut Connection<'b>>,
}

impl<'b> View<'_, 'b> {
    /// Answers a call of the plugin. No panic leaves the host. If the call fails, the attempt fails, even if the plugin
    /// ignores the error.
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
                    // The host does not trust the number that the plugin returns.
                    RResult::ROk(_) => Ok(()),
                    RResult::RErr(_) => Err(NotTaken),
                }
            };
            connection.query(sql, &crossing::parameters(parameters)?, take)
        })
    }
}
