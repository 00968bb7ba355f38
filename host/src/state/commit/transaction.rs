//! A processor's own transaction, in which `execute` and `query` run.
//!
//! It commits its statements, the session's rows and the state row together, or none of them. So it commits on its own
//! connection and not through the writer.
//!
//! # Threads
//! Only one thread at a time uses a transaction. Those of several attempts run side by side. If two write the same
//! rows, DuckDB rejects one with a conflict, and its attempt is repeated.

use std::time::{Duration, Instant};

use duckdb::{Connection, Statement, arrow::array::RecordBatch, params_from_iter, types::Value};

use crate::{
    column::Column,
    state::{
        commit::{
            before::Traces,
            destination::Destination,
            executed::{Executed, values},
            rules::{Call, StatementRules},
            session::Done,
            states::Counted,
            transaction_error::{NotTaken, TransactionError},
            transaction_id::transaction_id,
            write::{write_attempt, write_rows, write_states},
        },
        engine::{
            attached::{self, LANE, LongestPause},
            instance::Link,
            interrupt::Interrupt,
        },
        error::{Doing, Result},
        rows::result_columns::{ColumnError, OwnedColumn},
    },
};

/// An open transaction on a connection of its own; rolled back when it is dropped.
pub struct Transaction {
    connection: Link,
    id: i64,
    began: Instant,
}

/// Who of the hosts that share a state waits until a transaction has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::state) enum Excluded {
    /// Nobody.
    Nobody,
    /// Attempts that are repeated.
    RepeatedAttempts,
    /// Everybody who commits sessions.
    Commits,
}

impl From<AttemptTurn> for Excluded {
    fn from(turn: AttemptTurn) -> Self {
        match turn {
            AttemptTurn::First => Self::Nobody,
            AttemptTurn::Repeated => Self::RepeatedAttempts,
        }
    }
}

/// Whether an attempt is made for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptTurn {
    /// It is.
    First,
    /// It met another transaction before. Where several hosts share the state, it passes alone among those that did.
    Repeated,
}

/// Where the state row of a session is whose rows are in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateRow {
    /// In the transaction as well.
    Written,
    /// It replaces an earlier one, and is written right before the commit. Until then, others may change the earlier one.
    Owed,
}

impl Transaction {
    /// Begins a transaction on a connection that nothing else uses.
    ///
    /// # Errors
    /// When the database refuses.
    pub(in crate::state) fn begin(connection: Link, excluded: Excluded) -> Result<Self> {
        let doing = "begin the attempt's transaction";
        connection.execute_batch("BEGIN").doing(doing)?;
        if connection.is_attached() {
            // The lock comes before the first read, whose snapshot shows what others wrote before.
            match excluded {
                Excluded::Nobody => {}
                Excluded::RepeatedAttempts => attached::lock(&connection, doing, LANE)?,
                Excluded::Commits => attached::lock_leases(&connection, doing, LongestPause::Lease)?,
            }
        }
        let id = transaction_id(&connection).doing(doing)?;
        Ok(Self {
            connection,
            id,
            began: Instant::now(),
        })
    }

    /// How long it has been open.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// The handle that interrupts a statement of this transaction.
    #[must_use]
    pub fn interrupt_handle(&self) -> Interrupt {
        Interrupt::of(&self.connection)
    }

    /// Runs one statement that the rules allow; the parameters are columns of one row.
    ///
    /// # Errors
    /// When the database rejects the statement, or the statement ended the transaction.
    pub fn execute(
        &mut self,
        rules: &StatementRules,
        sql: &str,
        parameters: &[Column<'_>],
    ) -> Result<Executed, TransactionError> {
        let accepted = rules.check(&self.connection, Call::Execute, sql)?;
        let parameters = values(parameters)?;
        let changed = self.run(sql, &parameters)?;
        self.ensure_open()?;
        Ok(Executed {
            changed,
            sql: sql.to_owned(),
            parameters,
            accepted,
        })
    }

    /// Runs a statement again, which an earlier transaction has run.
    ///
    /// # Errors
    /// When the database rejects it, or when it changes another number of rows than before.
    pub fn repeat(&mut self, executed: &Executed) -> Result<(), TransactionError> {
        let (before, now) = (executed.changed, self.run(&executed.sql, &executed.parameters)?);
        match before == now {
            true => Ok(()),
            false => Err(TransactionError::Otherwise { before, now }),
        }
    }

    fn run(&self, sql: &str, parameters: &[Value]) -> duckdb::Result<u64> {
        // Not a cached one: DuckDB plans by what the tables hold, and a plan that was kept misses later changes.
        let mut statement = self.connection.prepare(sql)?;
        statement
            .execute(params_from_iter(parameters))
            .map(|changed| changed as u64)
    }

    /// Runs one query that the rules allow and hands its rows over, batch by batch. Returns the number of rows.
    ///
    /// # Errors
    /// When the database rejects the query, or the query ended the transaction.
    pub fn query(
        &mut self,
        rules: &StatementRules,
        sql: &str,
        parameters: &[Column<'_>],
        take: impl FnMut(&[Column<'_>]) -> Result<(), NotTaken>,
    ) -> Result<u64, TransactionError> {
        rules.check(&self.connection, Call::Query, sql)?;
        let values = values(parameters)?;
        let mut statement = self.connection.prepare(sql)?;
        let rows = hand_over(&mut statement, values, take)?;
        drop(statement);
        self.ensure_open()?;
        Ok(rows)
    }

    /// Writes the session into the transaction and commits it.
    ///
    /// # Errors
    /// When the database rejects it. Nothing is committed then.
    pub fn commit(self, destination: &Destination, done: &Done) -> Result<()> {
        write_attempt(&self.connection, destination, done)?;
        self.connection
            .execute_batch("COMMIT")
            .doing("commit the attempt's transaction")
    }

    /// Writes the rows of a session into the transaction, which stays open.
    ///
    /// # Errors
    /// When the database rejects them.
    pub fn write(&mut self, destination: &Destination, done: &Done) -> Result<StateRow> {
        let traces = write_rows(&self.connection, destination, done)?;
        Ok(match traces.contains(&Traces::Record) {
            true => StateRow::Owed,
            false => StateRow::Written,
        })
    }

    /// Writes the state rows that are owed, and commits.
    ///
    /// # Errors
    /// When the database rejects it. Nothing is committed then.
    pub fn commit_group<'a>(self, destination: &Destination, owed: impl Iterator<Item = &'a Done>) -> Result<()> {
        let owed: Vec<Counted<'_>> = owed.map(|done| (&done.seen, &done.processed)).collect();
        write_states(&self.connection, destination, &owed)?;
        self.connection
            .execute_batch("COMMIT")
            .doing("commit the transaction of several attempts")
    }

    /// The connection, for what the host itself reads and changes in the transaction.
    pub(in crate::state) fn link(&self) -> &Link {
        &self.connection
    }

    /// Commits what was written, where that belongs to no attempt. `is_there` looks whether the database did so.
    ///
    /// # Errors
    /// When the database refuses; nothing is kept then.
    pub(in crate::state) fn commit_alone(
        self,
        doing: &'static str,
        is_there: impl FnOnce(&Connection) -> Result<()>,
    ) -> Result<()> {
        self.connection.execute_batch("COMMIT").doing(doing)?;
        is_there(&self.connection)
    }

    fn ensure_open(&self) -> Result<(), TransactionError> {
        match transaction_id(&self.connection)? == self.id {
            true => Ok(()),
            false => Err(TransactionError::Ended),
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // If the transaction has already ended, DuckDB rejects this statement, which does no harm.
        let _ = self.connection.execute_batch("ROLLBACK");
    }
}

fn hand_over(
    statement: &mut Statement<'_>,
    values: Vec<Value>,
    mut take: impl FnMut(&[Column<'_>]) -> Result<(), NotTaken>,
) -> Result<u64, TransactionError> {
    let mut rows = 0;
    // The statement's iterator panics when a fetch fails; `step` returns the error.
    drop(statement.stream_arrow(params_from_iter(values))?);
    while let Some(batch) = statement.step()? {
        let batch = RecordBatch::from(&batch);
        let schema = batch.schema();
        let columns: Result<Vec<OwnedColumn>, ColumnError> = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, array)| OwnedColumn::new(field.name(), array))
            .collect();
        let columns = columns?;
        let columns: Vec<Column<'_>> = columns.iter().map(OwnedColumn::as_column).collect();
        take(&columns)?;
        rows += batch.num_rows() as u64;
    }
    Ok(rows)
}
