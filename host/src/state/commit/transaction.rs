//! A processor's own transaction, in which `execute` and `query` run.
//!
//! It commits its statements, the session's rows and the state row together, or none of them. So it commits on its own
//! connection and not through the writer.
//!
//! # Threads
//! Only one thread at a time uses a transaction. Those of several attempts run side by side. If two write the same
//! rows, DuckDB rejects one with a conflict, and its attempt is repeated.

use duckdb::{
    Connection, Statement,
    arrow::array::RecordBatch,
    params_from_iter,
    types::{TimeUnit, Value},
};
use session_plugin_api::abi::ValueKind;

use crate::{
    column::Column,
    state::{
        commit::{
            destination::Destination,
            rules::{Accepted, Call, Forbidden, StatementRules},
            session::Done,
            write::{Trust, write},
        },
        database_error::DatabaseError,
        engine::{instance::Link, interrupt::Interrupt},
        error::{Doing, Result, StateError},
        rows::result_columns::{ColumnError, OwnedColumn},
        trouble::Trouble,
    },
};

/// An open transaction on a connection of its own; rolled back when it is dropped.
pub struct Transaction {
    connection: Link,
    id: i64,
}

/// A statement of a processor that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// How many rows it changed.
    pub changed: u64,
    accepted: Accepted,
}

impl Executed {
    /// Tells the commits of a run if the statement wrote to a session table.
    pub fn tell(&self, destination: &Destination) {
        if let Accepted::Writes(table) = &self.accepted
            && destination.has_session_table(table)
        {
            destination.before.has_executed();
        }
    }
}

/// Why a statement of a processor failed.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// The database rejects it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The processor may not run it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// It ended the transaction.
    #[error("the statement ended the attempt's transaction: leave BEGIN, COMMIT and ROLLBACK to the host")]
    Ended,
    /// A parameter is malformed.
    #[error("parameter {place} is malformed")]
    Parameter {
        /// Its place, from 1.
        place: usize,
    },
    /// A column cannot cross to the plugin.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// The plugin did not accept the rows.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

/// The plugin did not accept the rows of a query.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the plugin did not accept the rows of the query")]
pub struct NotTaken;

impl From<duckdb::Error> for TransactionError {
    fn from(error: duckdb::Error) -> Self {
        Self::Database(error.into())
    }
}

impl TransactionError {
    /// Whether the same statements may succeed if the attempt is repeated.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_conflict())
    }

    /// The error of the state, if its disk or file is to blame instead of the statement.
    ///
    /// # Errors
    /// Returns itself if the statement is to blame.
    pub fn into_trouble(self) -> Result<StateError, Self> {
        match self {
            Self::Database(error) if error.trouble().is_some_and(|trouble| trouble != Trouble::Invalidated) => {
                Ok(StateError::of_statement("run a statement of the processor", error))
            }
            error => Err(error),
        }
    }
}

impl Transaction {
    /// Begins a transaction on a connection that nothing else uses.
    ///
    /// # Errors
    /// When the database refuses.
    pub(in crate::state) fn begin(connection: Link) -> Result<Self> {
        let doing = "begin the attempt's transaction";
        connection.execute_batch("BEGIN").doing(doing)?;
        let id = transaction_id(&connection).doing(doing)?;
        Ok(Self { connection, id })
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
        let values = values(parameters)?;
        let changed = self.connection.execute(sql, params_from_iter(values))?;
        self.ensure_open()?;
        Ok(Executed {
            changed: changed as u64,
            accepted,
        })
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
        write(
            &self.connection,
            destination,
            std::slice::from_ref(done),
            Trust::Knowledge,
        )?;
        self.connection
            .execute_batch("COMMIT")
            .doing("commit the attempt's transaction")
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

fn transaction_id(connection: &Connection) -> duckdb::Result<i64> {
    connection.query_row("SELECT system.main.txid_current()", [], |row| row.get(0))
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

fn values(parameters: &[Column<'_>]) -> Result<Vec<Value>, TransactionError> {
    let values = (1..).zip(parameters);
    values
        .map(|(place, column)| value(column).ok_or(TransactionError::Parameter { place }))
        .collect()
}

fn value(column: &Column<'_>) -> Option<Value> {
    if column.validity.first() == Some(&0) {
        return Some(Value::Null);
    }
    let integer = || column.integers.first().copied();
    Some(match column.kind {
        ValueKind::Null => Value::Null,
        ValueKind::Boolean => Value::Boolean(integer()? != 0),
        ValueKind::Integer => Value::BigInt(integer()?),
        ValueKind::Float => Value::Double(*column.floats.first()?),
        ValueKind::Text => Value::Text(String::from_utf8(column.bytes.to_vec()).ok()?),
        ValueKind::Timestamp => Value::Timestamp(TimeUnit::Microsecond, integer()?),
        ValueKind::Blob => Value::Blob(column.bytes.to_vec()),
    })
}
