//! The host's side of a processor's connection, scoped to one attempt.

use std::{
    cell::RefCell,
    os::unix::ffi::OsStrExt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use abi_stable::std_types::{RBox, RResult, RSlice, RStr, RVec};
use session_plugin_api::abi::{
    RawAttempt, RawBatchSink_TO, RawColumn, RawReply,
    message::{Fault, Processed, encode},
};

use super::{context::RunContext, flight::Flight};
use crate::{
    crossing::{self, CheckedColumn, Malformed},
    state::{Done, PendingRows, RowsRefused, Seen, StateError, Transaction, TransactionError},
};

/// One attempt: the session's facts and what was done through the connection so far.
pub(super) struct Attempt<'a> {
    run: &'a RunContext,
    flight: &'a Flight,
    seen: &'a Seen,
    bytes: &'a [u8],
    work: RefCell<Work>,
}

#[derive(Default)]
struct Work {
    rows: Vec<PendingRows>,
    failed: Option<AttemptError>,
}

/// Why what was done through the connection cannot stand.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    #[error("the attempt was given up: it took too long")]
    Abandoned,
    #[error("replace: {0}")]
    Rows(RowsRefused),
    #[error("the plugin's call is malformed: {0}")]
    Malformed(Malformed),
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error("commit: {0}")]
    Commit(StateError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("commit the earlier sessions: {0}")]
    Earlier(String),
    #[error("the host panicked in a call of the plugin; this is a fault of the host")]
    HostPanicked,
}

impl From<Malformed> for AttemptError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl From<RowsRefused> for AttemptError {
    fn from(error: RowsRefused) -> Self {
        Self::Rows(error)
    }
}

impl AttemptError {
    /// Whether the same attempt may succeed when it is made again.
    pub(super) fn is_conflict(&self) -> bool {
        match self {
            Self::Transaction(error) => error.is_conflict(),
            Self::Commit(error) | Self::State(error) => error.is_conflict(),
            _ => false,
        }
    }
}

impl AttemptError {
    /// The error of the state, where that is to blame for whatever is attempted, and no session.
    pub(super) fn into_fatal(self) -> Result<StateError, Self> {
        match self {
            Self::Commit(error) | Self::State(error) if error.is_fatal() => Ok(error),
            Self::Transaction(error) => error.into_trouble().map_err(Self::Transaction),
            error => Err(error),
        }
    }
}

/// What a successful attempt leaves to be done.
pub(super) enum Finished {
    /// Its rows wait for the writer.
    Pending(Done),
    /// Its own transaction committed everything.
    Committed(Done),
    /// It was abandoned meanwhile.
    Abandoned,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(run: &'a RunContext, flight: &'a Flight, seen: &'a Seen, bytes: &'a [u8]) -> Self {
        Self {
            run,
            flight,
            seen,
            bytes,
            work: RefCell::default(),
        }
    }

    /// What failed in a call of the plugin, whether the plugin passed it on or not.
    pub(super) fn take_failure(&self) -> Option<AttemptError> {
        self.work.borrow_mut().failed.take()
    }

    /// Ends a successful attempt: through its own transaction when it has one.
    pub(super) fn finish(self, processed: Processed) -> Result<Finished, AttemptError> {
        let work = self.work.into_inner();
        let done = Done {
            seen: self.seen.clone(),
            processed,
            rows: work.rows,
        };
        if self.flight.transaction().is_none() {
            return Ok(Finished::Pending(done));
        }
        if !self.flight.end() {
            return Ok(Finished::Abandoned);
        }
        let transaction = self.flight.transaction().take();
        let committed = transaction.map_or(Ok(()), |transaction| transaction.commit(&self.run.destination, &done));
        committed.map_err(AttemptError::Commit)?;
        let rows = Vec::new();
        Ok(Finished::Committed(Done { rows, ..done }))
    }

    fn guarded(&self, call: impl FnOnce(&mut Work) -> Result<u64, AttemptError>) -> RawReply {
        let result = catch_unwind(AssertUnwindSafe(|| {
            if self.flight.is_abandoned() {
                return Err(AttemptError::Abandoned);
            }
            call(&mut self.work.borrow_mut())
        }));
        match result.unwrap_or(Err(AttemptError::HostPanicked)) {
            Ok(rows) => RResult::ROk(rows),
            Err(error) => {
                let fault = Fault::error(error.to_string());
                // The first failure is the cause of those after it.
                if let Ok(mut work) = self.work.try_borrow_mut() {
                    work.failed.get_or_insert(error);
                }
                RResult::RErr(RVec::from(encode(&fault)))
            }
        }
    }

    fn in_transaction<T>(
        &self,
        statement: impl FnOnce(&mut Transaction) -> Result<T, TransactionError>,
    ) -> Result<T, AttemptError> {
        let is_first = self.flight.transaction().is_none();
        if is_first {
            self.run.commit_earlier().map_err(AttemptError::Earlier)?;
            let transaction = Transaction::begin(&self.run.state)?;
            self.flight.queries_with(transaction.interrupt_handle());
            *self.flight.transaction() = Some(transaction);
        }
        let mut transaction = self.flight.transaction();
        match transaction.as_mut() {
            Some(transaction) if !self.flight.is_abandoned() => {
                let result = statement(transaction);
                self.run.state.hold_lock()?;
                Ok(result?)
            }
            _ => Err(AttemptError::Abandoned),
        }
    }

    fn pending_rows(&self, table: &str, columns: &[CheckedColumn<'_>]) -> Result<PendingRows, RowsRefused> {
        let tables = &self.run.destination.tables;
        let found = tables.iter().find(|candidate| candidate.name() == table);
        let found = found.ok_or_else(|| RowsRefused::UnknownTable {
            table: table.to_owned(),
            declared: tables.iter().map(|table| table.name()).collect::<Vec<_>>().join(", "),
        })?;
        PendingRows::new(found, &self.seen.session, columns)
    }
}

const STATEMENT: &str = "the statement";

/// An [`Attempt`] as the plugin sees it.
pub(super) struct View<'a, 'b>(pub(super) &'a Attempt<'b>);

impl RawAttempt for View<'_, '_> {
    fn path(&self) -> RSlice<'_, u8> {
        RSlice::from_slice(self.0.flight.candidate().transcript.path.as_os_str().as_bytes())
    }

    fn username(&self) -> RStr<'_> {
        RStr::from_str(&self.0.seen.username)
    }

    fn session_key(&self) -> RStr<'_> {
        RStr::from_str(self.0.seen.session.as_str())
    }

    fn modified(&self) -> i64 {
        self.0.seen.modified.as_micros()
    }

    fn file_hash(&self) -> RStr<'_> {
        RStr::from_str(self.0.seen.hash.as_str())
    }

    fn bytes(&self) -> RSlice<'_, u8> {
        RSlice::from_slice(self.0.bytes)
    }

    fn run(&self) -> u64 {
        self.0.run.number
    }

    fn replace(&self, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> RawReply {
        self.0.guarded(|work| {
            let table = crossing::name(table, "the name of a table")?;
            let rows = self.0.pending_rows(table, &crossing::columns(columns)?)?;
            let count = rows.len();
            work.rows.push(rows);
            Ok(count)
        })
    }

    fn execute(&self, sql: RStr<'_>, parameters: RSlice<'_, RawColumn<'_>>) -> RawReply {
        self.0.guarded(|_| {
            let sql = crossing::text(sql, STATEMENT)?;
            let parameters = crossing::parameters(parameters)?;
            let rules = &self.0.run.rules;
            self.0
                .in_transaction(|transaction| transaction.execute(rules, sql, parameters))
        })
    }

    fn query(
        &self,
        sql: RStr<'_>,
        parameters: RSlice<'_, RawColumn<'_>>,
        mut sink: RawBatchSink_TO<'_, RBox<()>>,
    ) -> RawReply {
        self.0.guarded(|_| {
            let sql = crossing::text(sql, STATEMENT)?;
            let parameters = crossing::parameters(parameters)?;
            let rules = &self.0.run.rules;
            self.0
                .in_transaction(|transaction| transaction.query(rules, sql, parameters, &mut sink))
        })
    }
}
