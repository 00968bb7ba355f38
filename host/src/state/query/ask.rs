//! Runs queries that people write: read-only SQL, within limits.
//!
//! A query runs in a read-only transaction and shares the process with the runs. So the number of its rows, their size
//! and the memory of the process are limited.

use std::io;

use duckdb::{Statement, arrow::array::Array, params_from_iter, types::Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::state::{
    engine::{instance::Link, interrupt::Interrupt},
    error::{Doing, Result, StateError},
    judge::{refused::StatementRefused, statement::check_question},
    query::{
        json,
        memory::{Watched, within},
    },
};

/// The limits of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// The maximum number of rows; further ones are cut off.
    pub rows: usize,
    /// The maximum size of its rows as JSON, in bytes; further ones are cut off.
    pub bytes: usize,
    /// By how many bytes the memory of the process may grow meanwhile.
    pub memory: u64,
}

impl QueryLimits {
    /// No limits but those of the process.
    pub const NONE: Self = Self {
        rows: usize::MAX,
        bytes: usize::MAX,
        memory: u64::MAX,
    };
}

/// The result of a query.
#[derive(Debug, Serialize, Deserialize)]
pub struct QueryAnswer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows; each holds the values of the columns as JSON, in order.
    pub rows: Vec<Vec<Box<RawValue>>>,
    /// Whether the result has more rows than the limits allow.
    pub truncated: bool,
}

/// Why a query has no result.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It is not a single statement that reads.
    #[error(transparent)]
    Refused(#[from] StatementRefused),
    /// A parameter has no counterpart in SQL.
    #[error("parameter {0} is a list or an object: pass numbers, texts, true, false or null")]
    Parameter(usize),
    /// A row has a value that JSON cannot express.
    #[error(
        "row {0} has a value that JSON cannot express, such as NaN, infinity or a date beyond the year 9999: cast it to VARCHAR"
    )]
    Row(usize),
    /// A column has a type whose values would be written wrongly.
    #[error("column `{column}` has a value of type {data_type}, which JSON cannot express: cast it to VARCHAR")]
    Type {
        /// The column.
        column: String,
        /// The type.
        data_type: String,
    },
    /// A report has a parameter that the host does not bind.
    #[error("the SELECT has a parameter `${0}`, which the host does not bind")]
    UnknownParameter(String),
    /// A report does not filter by something that was asked for.
    #[error("the SELECT does not filter by `{asked}`")]
    Filter {
        /// The filter.
        asked: &'static str,
        /// The filters of the SELECT.
        known: Vec<String>,
    },
    /// It took more memory than the limit.
    #[error("the query took more than {0} bytes of memory and was interrupted: ask for less")]
    Memory(u64),
    /// Its memory could not be watched.
    #[error("cannot watch the query's memory: {0}")]
    Watch(io::Error),
    /// DuckDB rejects it.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Runs a query that somebody else wrote.
///
/// # Errors
/// When it is not a single statement that reads, exceeds a limit, or DuckDB rejects it.
pub(crate) fn ask(
    link: &Link,
    sql: &str,
    parameters: &[serde_json::Value],
    limits: QueryLimits,
) -> Result<QueryAnswer, QueryError> {
    check_question(link, sql)?;
    let parameters = (1..).zip(parameters).map(|(place, value)| parameter(place, value));
    let parameters: Vec<Value> = parameters.collect::<Result<_, QueryError>>()?;
    guarded(link, limits.memory, || {
        let mut statement = link.prepare(sql).doing(ASKING)?;
        fetch(&mut statement, &parameters, limits)
    })
}

/// What the host is doing, for errors.
const ASKING: &str = "run the query";

/// Does `work` in a read-only transaction, while the memory of the process grows by at most this many bytes.
///
/// # Errors
/// When the work fails, or takes more memory.
pub(super) fn guarded<T>(
    link: &Link,
    memory: u64,
    work: impl FnOnce() -> Result<T, QueryError>,
) -> Result<T, QueryError> {
    let watched = within(memory, &Interrupt::of(link), || {
        link.execute_batch("BEGIN TRANSACTION READ ONLY").doing(ASKING)?;
        let working = link.server().map(|server| server.begins(link)).transpose();
        let result = working.map_err(QueryError::from).and_then(|_until_it_has_ended| work());
        // There is nothing to keep. An interrupted transaction is already rolled back.
        let _ = link.execute_batch("ROLLBACK");
        result
    });
    match watched.map_err(QueryError::Watch)? {
        Watched::Ended(result) => result,
        Watched::Interrupted => Err(QueryError::Memory(memory)),
    }
}

/// Starts a statement. Its columns are known then, and `step` returns its rows.
///
/// # Errors
/// When DuckDB rejects it.
pub(super) fn start(statement: &mut Statement<'_>, parameters: &[Value]) -> Result<()> {
    // The statement's iterator panics when a fetch fails; `step` returns the error.
    drop(statement.stream_arrow(params_from_iter(parameters)).doing(ASKING)?);
    Ok(())
}

/// Fetches the rows as DuckDB makes them, no more than the limits allow.
///
/// # Errors
/// When DuckDB rejects the statement, or JSON cannot express a value.
pub(super) fn fetch(
    statement: &mut Statement<'_>,
    parameters: &[Value],
    limits: QueryLimits,
) -> Result<QueryAnswer, QueryError> {
    start(statement, parameters)?;
    let mut answer = QueryAnswer {
        columns: statement.column_names(),
        rows: Vec::new(),
        truncated: false,
    };
    for (place, column) in answer.columns.iter().enumerate() {
        json::check_type(&statement.column_logical_type(place)).map_err(|data_type| QueryError::Type {
            column: column.clone(),
            data_type,
        })?;
    }
    let mut bytes = 0;
    while let Some(batch) = statement.step().doing(ASKING)? {
        for row in 0..Array::len(&batch) {
            let values = batch.columns().iter().map(|column| json::value(column, row));
            let values: Result<Vec<Box<RawValue>>, json::NotInJson> = values.collect();
            let values = values.map_err(|_| QueryError::Row(answer.rows.len() + 1))?;
            bytes += values.iter().map(|value| value.get().len()).sum::<usize>();
            if answer.rows.len() == limits.rows || bytes > limits.bytes {
                answer.truncated = true;
                return Ok(answer);
            }
            answer.rows.push(values);
        }
    }
    Ok(answer)
}

fn parameter(place: usize, value: &serde_json::Value) -> Result<Value, QueryError> {
    Ok(match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Boolean(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => Value::BigInt(integer),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => return Err(QueryError::Parameter(place)),
    })
}
