//! The host's side of a processor's connection, scoped to one attempt.

use std::{
    cell::RefCell,
    os::unix::ffi::OsStrExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use abi_stable::std_types::{RBox, RResult, RSlice, RStr, RVec};
use duckdb::Connection;
use session_plugin_api::abi::{
    RawAttempt, RawBatchSink_TO, RawColumn, RawReply,
    message::{Fault, encode},
};

use super::flight::Flight;
use crate::state::{
    Destination, Done, PendingRows, RowsRefused, Seen, State, StateError, StatementRefused, Transaction,
    TransactionError,
};

/// What an attempt needs of the run that it belongs to.
pub(super) trait AttemptHost {
    /// The state.
    fn state(&self) -> &State;

    /// What the processor's sessions are written with.
    fn destination(&self) -> &Destination;

    /// Commits the processor's earlier sessions.
    fn commit_earlier(&self) -> Result<(), String>;
}

/// One attempt: the session's facts and what was done through the connection so far.
pub(super) struct Attempt<'a, H> {
    pub(super) host: &'a H,
    pub(super) flight: &'a Flight,
    pub(super) seen: &'a Seen,
    pub(super) path: &'a Path,
    pub(super) bytes: &'a [u8],
    work: RefCell<Work>,
}

#[derive(Default)]
struct Work {
    rows: Vec<PendingRows>,
    transaction: Option<Transaction>,
    failed: Option<AttemptError>,
}

/// Why what was done through the connection cannot stand.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    #[error("the attempt was given up: it took too long")]
    Abandoned,
    #[error("replace: {0}")]
    Rows(#[from] RowsRefused),
    #[error("{0}")]
    Statement(#[from] StatementRefused),
    #[error("{0}")]
    Transaction(#[from] TransactionError),
    #[error("commit: {0}")]
    Commit(#[from] StateError),
    #[error("commit the earlier sessions: {0}")]
    Earlier(String),
    #[error("the host panicked in a call of the plugin; this is a fault of the host")]
    HostPanicked,
}

impl AttemptError {
    /// Whether the same attempt may succeed when it is made again.
    pub(super) fn is_conflict(&self) -> bool {
        match self {
            Self::Transaction(error) => error.is_conflict(),
            Self::Commit(error) => error.is_conflict(),
            _ => false,
        }
    }
}

/// What a successful attempt leaves to be done.
pub(super) enum Finished {
    /// Its rows wait for the writer.
    Pending(Done),
    /// Its own transaction committed everything.
    Committed,
    /// It was abandoned meanwhile.
    Abandoned,
}

impl<'a, H: AttemptHost> Attempt<'a, H> {
    pub(super) fn new(host: &'a H, flight: &'a Flight, seen: &'a Seen, path: &'a Path, bytes: &'a [u8]) -> Self {
        Self {
            host,
            flight,
            seen,
            path,
            bytes,
            work: RefCell::default(),
        }
    }

    /// What failed in a call of the plugin, whether the plugin passed it on or not.
    pub(super) fn take_failure(&self) -> Option<AttemptError> {
        self.work.borrow_mut().failed.take()
    }

    /// Settles a successful attempt: through its own transaction when it has one.
    pub(super) fn finish(self, items: u64) -> Result<Finished, AttemptError> {
        let work = self.work.into_inner();
        let done = Done {
            seen: self.seen.clone(),
            items,
            rows: work.rows,
        };
        let Some(transaction) = work.transaction else {
            return Ok(Finished::Pending(done));
        };
        if !self.flight.settle() {
            return Ok(Finished::Abandoned);
        }
        transaction.commit(self.host.destination(), &done)?;
        Ok(Finished::Committed)
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

    fn transaction<'w>(&self, work: &'w mut Work) -> Result<&'w mut Transaction, AttemptError> {
        if work.transaction.is_none() {
            self.host.commit_earlier().map_err(AttemptError::Earlier)?;
            let connection: Connection = self.host.state().connect()?;
            self.flight.queries_with(connection.interrupt_handle());
            work.transaction = Some(Transaction::begin(connection)?);
        }
        work.transaction.as_mut().ok_or(AttemptError::HostPanicked)
    }

    fn pending_rows(&self, table: &str, columns: &[RawColumn<'_>]) -> Result<PendingRows, RowsRefused> {
        let tables = &self.host.destination().tables;
        let found = tables.iter().find(|candidate| candidate.name() == table);
        let found = found.ok_or_else(|| RowsRefused::UnknownTable {
            table: table.to_owned(),
            declared: tables.iter().map(|table| table.name()).collect::<Vec<_>>().join(", "),
        })?;
        PendingRows::new(found, &self.seen.session, columns)
    }
}

/// An [`Attempt`] as the plugin sees it.
pub(super) struct View<'a, 'b, H>(pub(super) &'a Attempt<'b, H>);

impl<H: AttemptHost> RawAttempt for View<'_, '_, H> {
    fn path(&self) -> RSlice<'_, u8> {
        RSlice::from_slice(self.0.path.as_os_str().as_bytes())
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

    fn replace(&self, table: RStr<'_>, columns: RSlice<'_, RawColumn<'_>>) -> RawReply {
        self.0.guarded(|work| {
            let rows = self.0.pending_rows(table.as_str(), columns.as_slice())?;
            let count = rows.len();
            work.rows.push(rows);
            Ok(count)
        })
    }

    fn execute(&self, sql: RStr<'_>, parameters: RSlice<'_, RawColumn<'_>>) -> RawReply {
        self.0.guarded(|work| {
            crate::state::check_execute(sql.as_str())?;
            Ok(self.0.transaction(work)?.execute(sql.as_str(), parameters.as_slice())?)
        })
    }

    fn query(
        &self,
        sql: RStr<'_>,
        parameters: RSlice<'_, RawColumn<'_>>,
        mut sink: RawBatchSink_TO<'_, RBox<()>>,
    ) -> RawReply {
        self.0.guarded(|work| {
            crate::state::check_query(sql.as_str())?;
            Ok(self
                .0
                .transaction(work)?
                .query(sql.as_str(), parameters.as_slice(), &mut sink)?)
        })
    }
}
