//! The one writer: commits groups of sessions, each session's rows together with its state row.
//!
//! Every commit waits for the disk, however little it holds, so sessions are committed in groups. If a group fails, its
//! sessions are committed one by one, so that only the offender fails.
//!
//! # Threads
//! A state has one writer, under a lock that every writing thread takes. Without it, DuckDB would let two commits run
//! at once, and reject one of them if both touch the same rows.

use duckdb::Connection;
use session_plugin_api::abi::message::Processed;

use crate::{
    names::{ProcessorName, SessionKey},
    state::{
        commit::{
            destination::Destination,
            guard::Guard,
            session::{Done, Seen},
            states::{self, Counted},
            write::{Trust, write},
        },
        conflict::{Conflicts, Judged},
        engine::{instance::Link, sql::in_transaction},
        error::{Result, StateError},
        records::failures::{self, FailureRecord},
    },
};

/// A session of a group that could not be committed.
#[derive(Debug)]
pub struct CommitError {
    /// The session that failed.
    pub session: SessionKey,
    /// Why.
    pub error: StateError,
}

/// The connection that commits finished sessions.
pub struct Writer {
    connection: Link,
}

impl Writer {
    pub(crate) fn new(connection: Link) -> Result<Self> {
        states::create_staging(&connection)?;
        Ok(Self { connection })
    }

    /// Commits a group of sessions. If that fails, commits them one by one, so that only the offender fails.
    ///
    /// Returns the sessions that failed; all others are then committed.
    ///
    /// # Errors
    /// When the database cannot continue. What was not committed is rolled back.
    pub fn commit(&self, destination: &Destination, group: &[Done]) -> Result<Vec<CommitError>> {
        let Err(error) = self.commit_together(destination, group, Trust::Knowledge) else {
            return Ok(Vec::new());
        };
        if error.is_fatal() {
            return Err(error);
        }
        tracing::debug!(%error, sessions = group.len(), "commits the sessions of a group one by one");
        let mut failed = Vec::new();
        for done in group {
            match self.commit_together(destination, std::slice::from_ref(done), Trust::Nothing) {
                Ok(()) => {}
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => failed.push(CommitError {
                    session: done.seen.session.clone(),
                    error,
                }),
            }
        }
        Ok(failed)
    }

    fn commit_together(&self, destination: &Destination, group: &[Done], trust: Trust) -> Result<()> {
        self.transact("commit a group of sessions", destination, || {
            write(&self.connection, destination, group, trust)
        })
    }

    /// Records that sessions were read again and turned out unchanged. That also ends failures of versions in between.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn refresh(&self, destination: &Destination, unchanged: &[Seen]) -> Result<()> {
        let nothing = Processed::default();
        let unchanged: Vec<Counted<'_>> = unchanged.iter().map(|seen| (seen, &nothing)).collect();
        self.transact("refresh unchanged sessions", destination, || {
            self.hold(destination.guard.as_deref(), &destination.processor)?;
            states::stage(&self.connection, &unchanged)?;
            states::refresh_staged(&self.connection, destination, &unchanged)?;
            states::clear_failures_of_staged(&self.connection, destination, &unchanged)
        })
    }

    /// Records failed attempts: the first one of a session creates its record, and each further one is counted.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn record_failures(&self, destination: &Destination, failures: &[FailureRecord]) -> Result<()> {
        let Destination { processor, plugin, .. } = destination;
        self.transact("record failed attempts", destination, || {
            self.hold(destination.guard.as_deref(), processor)?;
            failures::record(&self.connection, processor, plugin, failures)
        })
    }

    /// Writes what is no session's rows in a transaction, in which this host holds its leases where several share the state.
    ///
    /// # Errors
    /// When others have taken over, or the database refuses.
    pub(crate) fn write_held(
        &self,
        guard: Option<&dyn Guard>,
        processor: &ProcessorName,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<()>,
    ) -> Result<()> {
        in_transaction(&self.connection, doing, |connection| {
            self.hold(guard, processor)?;
            work(connection)
        })
    }

    /// Holds the leases of this host, where several share the state, until the transaction ends.
    fn hold(&self, guard: Option<&dyn Guard>, processor: &ProcessorName) -> Result<()> {
        guard.map_or(Ok(()), |guard| guard.hold(&self.connection, processor))
    }

    /// Does work in a transaction. Where several hosts share the state, work that meets the transaction of another one is done
    /// again: a migration of one processor changes the leases of all.
    fn transact(&self, doing: &'static str, destination: &Destination, work: impl Fn() -> Result<()>) -> Result<()> {
        let mut conflicts = Conflicts::among_hosts();
        loop {
            let error = match in_transaction(&self.connection, doing, |_| work()) {
                Err(error) if self.connection.is_attached() => error,
                written => return written,
            };
            let judged = conflicts.judge(error.conflict());
            destination.encounters.add_judged(judged);
            if judged != Judged::Repeat {
                return Err(error);
            }
        }
    }

    /// The connection, for other writes that must also take turns.
    pub(crate) fn link(&self) -> &Link {
        &self.connection
    }
}
