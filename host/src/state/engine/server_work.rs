//! What PostgreSQL does for the query of a link, and how it is cancelled.
//!
//! DuckDB reads a table of an attached database in one step, and notices no interrupt meanwhile. PostgreSQL notices at once
//! that it shall send no more rows, and with its error the step ends.
//!
//! # Threads
//! The thread that runs the query says when it begins and ends. Any other thread may cancel it: a thread of its own does so,
//! because PostgreSQL may not answer. The lock is held while PostgreSQL is asked, so that it cancels no later query.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use duckdb::Connection;

use crate::{
    postgres::{Limits, PostgresAddress, PostgresError, Session},
    state::{
        engine::attached::passed_through,
        error::{Doing as _, Result},
    },
    threads,
};

/// How long each step of a cancellation may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How long a query has to end before it is cancelled again. One that is cancelled between two reads goes on.
const AGAIN: Duration = Duration::from_secs(1);

/// What PostgreSQL calls the connection that cancels.
const CANCELLING: &str = "session-host-cancel";

/// The work of PostgreSQL for one link.
pub(crate) struct ServerWork {
    address: PostgresAddress,
    query: Mutex<Option<Query>>,
    begun: AtomicU64,
}

/// The query under way.
struct Query {
    /// Which of the link it is.
    number: u64,
    /// The process of PostgreSQL that reads for it.
    process: i32,
    cancelled: Option<Instant>,
}

/// A query is under way until this is dropped.
pub(crate) struct Working<'a>(&'a ServerWork);

impl ServerWork {
    /// That for a link to the database at this address.
    pub(crate) fn at(address: &PostgresAddress) -> Self {
        Self {
            address: address.clone(),
            query: Mutex::new(None),
            begun: AtomicU64::new(0),
        }
    }

    /// Says that a query begins, whose transaction is open on this connection of the link.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached.
    pub(crate) fn begins(&self, connection: &Connection) -> Result<Working<'_>> {
        let sql = passed_through("SELECT pg_backend_pid() AS process");
        let process = connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("ask which process of PostgreSQL reads")?;
        *self.lock() = Some(Query {
            number: self.begun.fetch_add(1, Ordering::Relaxed),
            process,
            cancelled: None,
        });
        Ok(Working(self))
    }

    /// Lets PostgreSQL cancel what it does for the query, if one is under way. Does not wait for it.
    pub(crate) fn cancel(self: &Arc<Self>) {
        let mut query = match self.query.try_lock() {
            Ok(query) => query,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // It is being cancelled, or has just begun or ended.
            Err(TryLockError::WouldBlock) => return,
        };
        let Some(query) = &mut *query else {
            return;
        };
        if query.cancelled.is_some_and(|cancelled| cancelled.elapsed() < AGAIN) {
            return;
        }
        query.cancelled = Some(Instant::now());
        let (work, number) = (Arc::clone(self), query.number);
        if let Err(error) = threads::start("cancel", move || work.ask(number)) {
            tracing::warn!("cannot start the thread that cancels a query in PostgreSQL: {error}");
        }
    }

    fn ask(&self, number: u64) {
        let asked = Session::open(&self.address, CANCELLING, Limits::each(LIMIT))
            .and_then(|session| self.ask_by(session, number));
        if let Err(error) = asked {
            tracing::warn!(
                "cannot cancel a query in PostgreSQL; the host tries again while the query goes on: {error}"
            );
        }
    }

    fn ask_by(&self, mut session: Session, number: u64) -> Result<(), PostgresError> {
        match &*self.lock() {
            Some(query) if query.number == number => session
                .row("cancel a query", "SELECT pg_cancel_backend($1)", &[&query.process])
                .map(drop),
            // It has ended meanwhile.
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Query>> {
        self.query.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}
