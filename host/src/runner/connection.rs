//! What a processor may do during one attempt: hand over rows, and run SQL.
//!
//! Rows handed to `replace` wait until the attempt ends, and are committed together with those of other sessions. The
//! first statement opens a transaction, which then commits everything that the attempt writes. The rows of earlier
//! sessions are committed before it opens, so that the statement sees them. In a serial processor, the transaction may be
//! the one that the attempts before share, in which their rows already are.
//!
//! A serial processor may pause between reading and writing, for example to ask a server. An open transaction keeps
//! DuckDB from making a checkpoint. So as long as a serial attempt has only read, it holds no transaction between its
//! queries, and the conductor may commit the shared one. No other attempt of the processor writes meanwhile.
//!
//! # Threads
//! Calls come from the worker that makes the attempt, one after the other. The conductor may abandon the attempt
//! meanwhile and roll its transaction back. So every call first checks whether that has happened, and abandoning
//! interrupts a running statement.

use std::sync::mpsc::SyncSender;

use session_plugin_api::Concurrency;

use super::{
    flight::Flight,
    message::{Message, commit_earlier},
    own_transaction::{OwnTransaction, RolledBack},
    shared_transaction::Recorded,
    tables::Tables,
};
use crate::{
    column::Column,
    plugins::{Fault, Refusal, Requests, TakeRows},
    state::{Conflict, NotTaken, PendingRows, RowsRefused, Seen, StateError, Transaction, TransactionError},
};

/// The connection of one attempt, and what the attempt has done through it so far.
pub(super) struct Connection<'a> {
    tables: &'a Tables,
    messages: &'a SyncSender<Message>,
    flight: &'a Flight,
    seen: &'a Seen,
    rows: Vec<PendingRows>,
    statements: Statements,
    recorded: Recorded,
    failed: Option<ConnectionError>,
}

/// Which statements an attempt has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statements {
    /// Only queries, or none at all.
    Reading,
    /// At least one that writes.
    Writing,
}

/// Why the attempt must fail because of a call through its connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("the attempt was abandoned: it took too long")]
    Abandoned,
    #[error(transparent)]
    RolledBack(#[from] RolledBack),
    #[error("cannot replace the session's rows: {0}")]
    Rows(RowsRefused),
    #[error("a hook has no `replace`: the rows of the session tables are the attempt's and the host's")]
    ReplaceInHook,
    #[error("the plugin's call is malformed: {0}")]
    Refused(Refusal),
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error(transparent)]
    Commit(StateError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("cannot commit the earlier sessions: {0}")]
    Earlier(String),
}

impl From<RowsRefused> for ConnectionError {
    fn from(error: RowsRefused) -> Self {
        Self::Rows(error)
    }
}

impl ConnectionError {
    /// What the transaction met, if the same attempt may succeed if it is repeated.
    pub(super) fn conflict(&self) -> Option<Conflict> {
        match self {
            Self::Transaction(error) => error.conflict(),
            Self::Commit(error) | Self::State(error) => error.conflict(),
            _ => None,
        }
    }

    /// The error of the state, if the state is to blame and every other attempt would fail too.
    pub(super) fn into_fatal(self) -> Result<StateError, Self> {
        match self {
            Self::Commit(error) | Self::State(error) if error.is_fatal() => Ok(error),
            Self::Transaction(error) => error.into_trouble().map_err(Self::Transaction),
            error => Err(error),
        }
    }
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        tables: &'a Tables,
        messages: &'a SyncSender<Message>,
        flight: &'a Flight,
        seen: &'a Seen,
    ) -> Self {
        Self {
            tables,
            messages,
            flight,
            seen,
            rows: Vec::new(),
            statements: Statements::Reading,
            recorded: Recorded::default(),
            failed: None,
        }
    }

    /// Keeps rows that replace the session's earlier rows in the table; returns their number.
    fn replace_rows(&mut self, table: &str, columns: &[Column<'_>]) -> Result<u64, ConnectionError> {
        self.ensure_in_flight()?;
        let tables = &self.tables.destination.tables;
        let rows = PendingRows::new(tables, table, &self.seen.session, columns)?;
        let count = rows.len();
        self.rows.push(rows);
        Ok(count)
    }

    /// Runs a statement that writes; returns the number of rows that it changed.
    fn run_statement(&mut self, sql: &str, parameters: &[Column<'_>]) -> Result<u64, ConnectionError> {
        self.statements = Statements::Writing;
        let rules = &self.tables.rules;
        let executed = self.in_transaction(|transaction| transaction.execute(rules, sql, parameters))?;
        executed.tell(&self.tables.destination);
        let changed = executed.changed;
        if self.tables.concurrency == Concurrency::Serial {
            self.recorded.add(executed);
        }
        Ok(changed)
    }

    /// Runs a query and hands its rows to `take`; returns their number.
    fn run_query(
        &mut self,
        sql: &str,
        parameters: &[Column<'_>],
        take: impl FnMut(&[Column<'_>]) -> Result<(), NotTaken>,
    ) -> Result<u64, ConnectionError> {
        let rules = &self.tables.rules;
        let rows = self.in_transaction(|transaction| transaction.query(rules, sql, parameters, take))?;
        if self.statements == Statements::Reading && self.tables.concurrency == Concurrency::Serial {
            let transaction = self.flight.transaction().end_reading();
            if let Some(transaction) = transaction {
                self.tables.shared.give_back(transaction);
            }
        }
        Ok(rows)
    }

    fn answer(&mut self, result: Result<u64, ConnectionError>) -> Result<u64, Fault> {
        result.map_err(|error| self.fail(error))
    }

    /// Lets the attempt fail. The first error is the cause of those after it.
    fn fail(&mut self, error: ConnectionError) -> Fault {
        let fault = Fault::error(error.to_string());
        self.failed.get_or_insert(error);
        fault
    }

    /// The rows that the attempt handed over, and the statements that it ran.
    ///
    /// # Errors
    /// When a call through the connection failed.
    pub(super) fn into_writes(self) -> Result<(Vec<PendingRows>, Recorded), ConnectionError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok((self.rows, self.recorded)),
        }
    }

    fn in_transaction<T>(
        &self,
        statement: impl FnOnce(&mut Transaction) -> Result<T, TransactionError>,
    ) -> Result<T, ConnectionError> {
        self.ensure_in_flight()?;
        let is_first = self.flight.transaction().open()?.is_none();
        if is_first {
            let transaction = self.open()?;
            self.flight.queries_with(transaction.interrupt_handle());
            *self.flight.transaction() = OwnTransaction::Open(transaction);
        }
        let mut transaction = self.flight.transaction();
        match transaction.open()? {
            Some(transaction) if !self.flight.is_abandoned() => {
                let result = statement(transaction);
                self.tables.state.hold_lock()?;
                Ok(result?)
            }
            _ => {
                // Sessions that shared this transaction can be committed once it is gone.
                transaction.roll_back();
                Err(ConnectionError::Abandoned)
            }
        }
    }

    /// The transaction for the attempt, in which it sees all earlier sessions: the shared one, or a new one.
    fn open(&self) -> Result<Transaction, ConnectionError> {
        let Tables { state, shared, .. } = self.tables;
        if let Some(transaction) = shared.lend() {
            return Ok(transaction);
        }
        self.tables.commit_shared(self.messages)?;
        commit_earlier(self.messages).map_err(ConnectionError::Earlier)?;
        match shared.sessions() {
            0 => Ok(state.begin_attempt(self.flight.turn())?),
            _ => Err(ConnectionError::Earlier(
                "another transaction stands in the way".to_owned(),
            )),
        }
    }

    fn ensure_in_flight(&self) -> Result<(), ConnectionError> {
        match self.flight.is_abandoned() {
            true => Err(ConnectionError::Abandoned),
            false => Ok(()),
        }
    }
}

/// What fails here fails the attempt, whatever the processor makes of the fault.
impl Requests for Connection<'_> {
    fn replace(&mut self, table: &str, columns: &[Column<'_>]) -> Result<u64, Fault> {
        let replaced = self.replace_rows(table, columns);
        self.answer(replaced)
    }

    fn execute(&mut self, sql: &str, parameters: &[Column<'_>]) -> Result<u64, Fault> {
        let executed = self.run_statement(sql, parameters);
        self.answer(executed)
    }

    fn query(&mut self, sql: &str, parameters: &[Column<'_>], take: &mut TakeRows<'_>) -> Result<u64, Fault> {
        let queried = self.run_query(sql, parameters, take);
        self.answer(queried)
    }

    fn refuse(&mut self, refusal: Refusal) -> Fault {
        self.fail(ConnectionError::Refused(refusal))
    }
}

/// The connection of an attempt, as its hook has it: without `replace`.
pub(super) struct HookConnection<'a, 'b>(pub(super) &'a mut Connection<'b>);

impl Requests for HookConnection<'_, '_> {
    fn replace(&mut self, _: &str, _: &[Column<'_>]) -> Result<u64, Fault> {
        Err(self.0.fail(ConnectionError::ReplaceInHook))
    }

    fn execute(&mut self, sql: &str, parameters: &[Column<'_>]) -> Result<u64, Fault> {
        self.0.execute(sql, parameters)
    }

    fn query(&mut self, sql: &str, parameters: &[Column<'_>], take: &mut TakeRows<'_>) -> Result<u64, Fault> {
        self.0.query(sql, parameters, take)
    }

    fn refuse(&mut self, refusal: Refusal) -> Fault {
        self.0.refuse(refusal)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::sync_channel, thread};

    use super::*;
    use crate::{
        runner::sample::{flight, seen, tables},
        state::State,
    };

    /// Whether a transaction is open after a query, after a statement that writes, and after a second query.
    fn open_after_each_call(concurrency: Concurrency) -> [bool; 3] {
        let folder = tempfile::tempdir().unwrap();
        let tables = tables(State::open(&folder.path().join("state.duckdb")).unwrap(), concurrency);
        let (flight, seen) = (flight(), seen());
        let (messages, inbox) = sync_channel(1);
        thread::scope(|scope| {
            scope.spawn(move || {
                for message in inbox {
                    if let Message::CommitEarlier(reply) = message {
                        reply.send(Ok(())).unwrap();
                    }
                }
            });
            let mut connection = Connection::new(&tables, &messages, &flight, &seen);
            let is_open = || matches!(*flight.transaction(), OwnTransaction::Open(_));
            let count = "FROM notes";
            connection.run_query(count, &[], |_| Ok(())).unwrap();
            let after_query = is_open();
            connection.run_statement("INSERT INTO notes VALUES (1)", &[]).unwrap();
            let after_write = is_open();
            let mut rows = Vec::new();
            let mut take = |columns: &[Column<'_>]| {
                rows.extend_from_slice(columns[0].integers);
                Ok(())
            };
            connection.run_query(count, &[], &mut take).unwrap();
            assert_eq!(rows, [1]);
            let after_second_query = is_open();
            drop(messages);
            [after_query, after_write, after_second_query]
        })
    }

    #[test]
    fn a_serial_attempt_that_has_only_read_holds_no_transaction() {
        assert_eq!(open_after_each_call(Concurrency::Serial), [false, true, true]);
    }

    #[test]
    fn a_parallel_attempt_holds_its_transaction_from_the_first_query() {
        assert_eq!(open_after_each_call(Concurrency::Parallel), [true, true, true]);
    }
}
