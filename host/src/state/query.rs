//! Reading the state for people: read-only SQL, lists and exports.

use std::{collections::HashMap, fmt, path::Path, sync::Arc};

use duckdb::{AccessMode, Connection, InterruptHandle, params_from_iter, types::Value};
use serde::{
    Serialize,
    de::{Deserializer, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use session_plugin_api::Timestamp;

use super::{
    audit::{self, AuditEntry},
    checkpoint::put_back,
    error::{Doing, Result, StateError},
    failures::{self, Failure},
    open::{connect, refuse_missing},
    sessions::{self, ProcessorStatus, SessionState},
    statement::{self, StatementRefused, check_query},
};
use crate::names::{ProcessorName, SessionKey};

/// A connection for reading.
pub struct Reader {
    connection: Connection,
}

/// How far a query may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// How many rows it may give; more are cut off.
    pub rows: usize,
    /// How many bytes of JSON its rows may take; more are cut off.
    pub bytes: usize,
}

/// What a query gave, for programs.
#[derive(Debug, Serialize)]
pub struct QueryAnswer {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows, each a list of JSON values in the order of the columns.
    pub rows: Vec<Vec<Box<RawValue>>>,
    /// Whether there are more rows than the limits allow.
    pub truncated: bool,
}

/// Why a query gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It is no single statement that reads.
    #[error(transparent)]
    Refused(#[from] StatementRefused),
    /// A parameter has no counterpart in SQL.
    #[error("parameter {0} is a list or an object: pass numbers, texts, true, false or null")]
    Parameter(usize),
    /// A row has a value that JSON has not.
    #[error("row {0} has a value that JSON has not, such as NaN or infinity: cast it to VARCHAR")]
    Row(usize),
    /// DuckDB refuses it.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The result of a query as text, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendering {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows: each value as DuckDB writes it, `None` for null.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Reader {
    /// Opens a state file that there is already.
    ///
    /// # Errors
    /// When there is none, another process has it open, or it is no DuckDB database.
    pub fn open(path: &Path) -> Result<Self> {
        refuse_missing(path)?;
        put_back(path)?;
        let connection = connect(path, AccessMode::ReadOnly)?;
        Ok(Self { connection })
    }

    /// Reads through a connection to a state that is open already.
    pub(super) fn of(connection: Connection) -> Self {
        Self { connection }
    }

    /// What interrupts a query of this reader that takes too long.
    #[must_use]
    pub fn interrupt_handle(&self) -> Arc<InterruptHandle> {
        self.connection.interrupt_handle()
    }

    /// When each processor's last run began.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn last_runs(&self) -> Result<HashMap<String, Timestamp>> {
        audit::last_runs(&self.connection)
    }

    /// Forbids what reaches out of the database: other files, extensions, a change of these settings.
    ///
    /// # Errors
    /// When DuckDB refuses the settings.
    pub fn without_external_access(self) -> Result<Self> {
        let sql = "SET enable_external_access = false; SET lock_configuration = true";
        self.connection.execute_batch(sql).doing("forbid external access")?;
        Ok(self)
    }

    /// What is recorded of a processor's sessions.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn sessions(&self, processor: &ProcessorName) -> Result<HashMap<SessionKey, SessionState>> {
        sessions::read(&self.connection, processor)
    }

    /// How far each processor is.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn status(&self) -> Result<Vec<ProcessorStatus>> {
        sessions::status(&self.connection)
    }

    /// The sessions that fail, the latest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn failures(&self, processor: Option<&ProcessorName>) -> Result<Vec<Failure>> {
        failures::list(&self.connection, processor)
    }

    /// The latest runs, the latest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn runs(&self, limit: u32) -> Result<Vec<AuditEntry>> {
        audit::list(&self.connection, limit)
    }

    /// Runs a query and gives its values as text.
    ///
    /// # Errors
    /// What DuckDB says of the query.
    pub fn query(&self, sql: &str) -> Result<Rendering> {
        let doing = "run the query";
        let sql = format!("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({}\n)", without_semicolon(sql));
        let mut statement = self.connection.prepare(&sql).doing(doing)?;
        let mut found = statement.query([]).doing(doing)?;
        let columns = found
            .as_ref()
            .map(|statement| statement.column_names())
            .unwrap_or_default();
        let mut rows = Vec::new();
        while let Some(row) = found.next().doing(doing)? {
            let values: duckdb::Result<Vec<Option<String>>> = (0..columns.len()).map(|place| row.get(place)).collect();
            rows.push(values.doing(doing)?);
        }
        Ok(Rendering { columns, rows })
    }

    /// Runs a query and gives each row as a JSON object.
    ///
    /// # Errors
    /// What DuckDB says of the query.
    pub fn query_json(&self, sql: &str) -> Result<Vec<String>> {
        let doing = "run the query";
        let sql = format!(
            "SELECT to_json(row)::VARCHAR FROM ({}\n) AS row",
            without_semicolon(sql)
        );
        let mut statement = self.connection.prepare(&sql).doing(doing)?;
        let rows = statement.query_map([], |row| row.get(0));
        rows.and_then(Iterator::collect).doing(doing)
    }

    /// Runs a query that someone else wrote, in a transaction that can write nothing.
    ///
    /// # Errors
    /// When it is no single statement that reads, or DuckDB refuses it.
    pub fn query_limited(
        &self,
        sql: &str,
        parameters: &[serde_json::Value],
        limits: QueryLimits,
    ) -> Result<QueryAnswer, QueryError> {
        check_query(sql)?;
        let parameters = (1..).zip(parameters).map(|(place, value)| parameter(place, value));
        let parameters: Vec<Value> = parameters.collect::<Result<_, QueryError>>()?;
        let doing = "run the query";
        self.connection
            .execute_batch("BEGIN TRANSACTION READ ONLY")
            .doing(doing)?;
        let answer = self.answer(without_semicolon(sql), &parameters, limits);
        // There is nothing to keep; a transaction that was interrupted is rolled back already.
        let _ = self.connection.execute_batch("ROLLBACK");
        answer
    }

    fn answer(&self, sql: &str, parameters: &[Value], limits: QueryLimits) -> Result<QueryAnswer, QueryError> {
        let doing = "run the query";
        let columns = format!("SELECT * FROM ({sql}\n) LIMIT 0");
        let mut statement = self.connection.prepare(&columns).doing(doing)?;
        let found = statement.query(params_from_iter(parameters)).doing(doing)?;
        let columns = found
            .as_ref()
            .map(|statement| statement.column_names())
            .unwrap_or_default();
        // The limit stands in the statement as well: DuckDB makes the whole result before it gives the first row.
        let limit = limits.rows.saturating_add(1);
        let sql =
            format!("SELECT to_json(\"the whole row\")::VARCHAR FROM ({sql}\n) AS \"the whole row\" LIMIT {limit}");
        let mut statement = self.connection.prepare(&sql).doing(doing)?;
        let mut found = statement.query(params_from_iter(parameters)).doing(doing)?;
        let mut answer = QueryAnswer {
            columns,
            rows: Vec::new(),
            truncated: false,
        };
        let mut bytes = 0;
        while let Some(row) = found.next().doing(doing)? {
            let json: String = row.get(0).doing(doing)?;
            bytes += json.len();
            if answer.rows.len() == limits.rows || bytes > limits.bytes {
                answer.truncated = true;
                break;
            }
            let values = member_values(&json).map_err(|_| QueryError::Row(answer.rows.len() + 1))?;
            answer.rows.push(values);
        }
        Ok(answer)
    }

    /// Writes every table as a Parquet file into a folder and gives the names of the tables.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn export(&self, folder: &Path) -> Result<Vec<String>> {
        let doing = "export the tables";
        let sql =
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND NOT temporary ORDER BY table_name";
        let mut statement = self.connection.prepare(sql).doing(doing)?;
        let rows = statement.query_map([], |row| row.get(0));
        let tables: Vec<String> = rows.and_then(Iterator::collect).doing(doing)?;
        for table in &tables {
            let file = folder.join(format!("{table}.parquet"));
            let file = file.to_string_lossy().replace('\'', "''");
            let sql = format!("COPY {} TO '{file}' (FORMAT parquet)", super::writer::quoted(table));
            self.connection.execute_batch(&sql).doing(doing)?;
        }
        Ok(tables)
    }
}

fn without_semicolon(sql: &str) -> &str {
    match statement::split(sql).as_slice() {
        [statement] => statement,
        _ => sql,
    }
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

/// The values of an object's members, in their order.
fn member_values(json: &str) -> serde_json::Result<Vec<Box<RawValue>>> {
    serde_json::Deserializer::from_str(json).deserialize_map(MemberValues)
}

struct MemberValues;

impl<'de> Visitor<'de> for MemberValues {
    type Value = Vec<Box<RawValue>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some((_, value)) = members.next_entry::<IgnoredAny, Box<RawValue>>()? {
            values.push(value);
        }
        Ok(values)
    }
}
