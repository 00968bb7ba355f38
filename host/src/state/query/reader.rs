//! Reading the state for people: read-only SQL, lists and exports.

use std::{collections::HashMap, io, path::Path};

use duckdb::{arrow::array::Array, params_from_iter, types::Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use session_plugin_api::Timestamp;

use crate::{
    names::{ProcessorName, SessionKey},
    state::{
        engine::{
            instance::{Access, Link},
            interrupt::Interrupt,
            open::{link_to, lock, open_engine},
            sql::{contents_of, quoted, text},
        },
        error::{Doing, Result, StateError},
        file::{
            checkpoint::{is_to_be_restored, restore},
            place::{refuse_missing, refuse_odd_files},
        },
        judge::statement::{StatementRefused, check_question},
        query::{
            export::export_file,
            json,
            memory::{Watched, within},
        },
        records::{
            audit::{self, AuditEntry},
            failures::{self, AllFailed, Failure},
            sessions::{self, ProcessorStatus, SessionState},
        },
        schema::{
            processor::{self, DeclaredTables},
            refused::SchemaRefused,
        },
    },
};

/// A connection for reading.
pub struct Reader {
    link: Link,
}

/// How far a query may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// How many rows it may give; more are cut off.
    pub rows: usize,
    /// How many bytes of JSON its rows may take; more are cut off.
    pub bytes: usize,
    /// By how many bytes the memory of the process may grow while it runs.
    pub memory: u64,
}

impl QueryLimits {
    /// No limit but those of the process.
    pub const NONE: Self = Self {
        rows: usize::MAX,
        bytes: usize::MAX,
        memory: u64::MAX,
    };
}

/// What a query gave.
#[derive(Debug, Serialize, Deserialize)]
pub struct QueryAnswer {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows, each a list of JSON values in the order of the columns.
    pub rows: Vec<Vec<Box<RawValue>>>,
    /// Whether there are more rows than the limits allow.
    pub truncated: bool,
}

/// What a table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableContents {
    /// How many rows.
    pub rows: u64,
    /// The sum of the rows' hashes: the same for the same rows, each as often, in whatever order they stand.
    pub digest: String,
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
    #[error(
        "row {0} has a value that JSON has not, such as NaN, infinity or a date beyond the year 9999: cast it to VARCHAR"
    )]
    Row(usize),
    /// A column has a type whose values would not come out right.
    #[error("column `{column}` has a value of type {data_type}, which JSON has not: cast it to VARCHAR")]
    Type {
        /// The column.
        column: String,
        /// The type.
        data_type: String,
    },
    /// It took more memory than it may.
    #[error("the query took more than {0} bytes of memory and was interrupted: ask for less")]
    Memory(u64),
    /// Its memory could not be watched.
    #[error("watch the query's memory: {0}")]
    Watch(io::Error),
    /// DuckDB refuses it.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Reader {
    /// Opens a state file that there is already.
    ///
    /// # Errors
    /// When there is none, another process has it open, or it is no DuckDB database.
    pub fn open(path: &Path) -> Result<Self> {
        refuse_missing(path)?;
        refuse_odd_files(path)?;
        restore(path)?;
        let link = link_to(&open_engine(path, Access::ReadOnly)?)?;
        Ok(Self { link })
    }

    /// Opens a state file for a look: nothing is written, not even what a checkpoint that was cut off left to be restored.
    /// `None` where there is no state yet, or one that must be restored first.
    ///
    /// # Errors
    /// When another process has it open, or it is no DuckDB database.
    pub fn look_at(path: &Path) -> Result<Option<Self>> {
        if matches!(refuse_missing(path), Err(StateError::Missing { .. })) {
            return Ok(None);
        }
        if is_to_be_restored(path) {
            tracing::warn!(
                "a checkpoint was cut off: the plugins' tables can be compared when a run has restored the state"
            );
            return Ok(None);
        }
        let link = link_to(&open_engine(path, Access::ReadOnly)?)?;
        Ok(Some(Self { link }))
    }

    /// Reads through a connection to a state that is open already.
    pub(crate) fn of(link: Link) -> Self {
        Self { link }
    }

    /// What interrupts a query of this reader that takes too long.
    #[must_use]
    pub fn interrupt_handle(&self) -> Interrupt {
        Interrupt::of(&self.link)
    }

    /// When each processor's last run began.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn last_runs(&self) -> Result<HashMap<String, Timestamp>> {
        audit::last_runs(&self.link)
    }

    /// Why the last run of each processor failed as a whole, where it did.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn failed_runs(&self) -> Result<HashMap<String, String>> {
        audit::failed_runs(&self.link)
    }

    /// The sessions that failed for the first time since a processor last processed one, where the latest run that met
    /// one of them processed nothing; those that a run which goes on since `run_began` met are left out.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn all_failed(&self, processor: &ProcessorName, run_began: Option<Timestamp>) -> Result<Option<AllFailed>> {
        failures::all_failed(&self.link, processor, run_began)
    }

    /// Forbids what reaches out of the database: other files, extensions, a change of these settings.
    ///
    /// # Errors
    /// When DuckDB refuses the settings.
    pub fn without_external_access(self) -> Result<Self> {
        lock(&self.link)?;
        Ok(self)
    }

    /// Compares a processor with the state, which stays as it is; gives the versions of the outstanding migrations. Where
    /// there are none, the session tables are checked too.
    ///
    /// # Errors
    /// When the processor cannot be used with this state.
    pub fn compare_processor(&self, declared: DeclaredTables<'_>) -> Result<Vec<u32>, SchemaRefused> {
        processor::compare(&self.link, declared)
    }

    /// What is recorded of a processor's sessions.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn sessions(&self, processor: &ProcessorName) -> Result<HashMap<SessionKey, SessionState>> {
        sessions::read(&self.link, processor)
    }

    /// How far each processor is.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn status(&self) -> Result<Vec<ProcessorStatus>> {
        sessions::status(&self.link)
    }

    /// The sessions that fail, the latest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn failures(&self, processor: Option<&ProcessorName>) -> Result<Vec<Failure>> {
        failures::list(&self.link, processor)
    }

    /// The latest runs, the latest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn runs(&self, limit: u32) -> Result<Vec<AuditEntry>> {
        audit::list(&self.link, limit)
    }

    /// Runs a query that someone else wrote, in a transaction that can write nothing.
    ///
    /// # Errors
    /// When it is no single statement that reads, goes beyond a limit, or DuckDB refuses it.
    pub fn query(
        &self,
        sql: &str,
        parameters: &[serde_json::Value],
        limits: QueryLimits,
    ) -> Result<QueryAnswer, QueryError> {
        check_question(&self.link, sql)?;
        let parameters = (1..).zip(parameters).map(|(place, value)| parameter(place, value));
        let parameters: Vec<Value> = parameters.collect::<Result<_, QueryError>>()?;
        let watched = within(limits.memory, &self.interrupt_handle(), || {
            self.answer(sql, &parameters, limits)
        });
        match watched.map_err(QueryError::Watch)? {
            Watched::Ended(answer) => answer,
            Watched::Interrupted => Err(QueryError::Memory(limits.memory)),
        }
    }

    fn answer(&self, sql: &str, parameters: &[Value], limits: QueryLimits) -> Result<QueryAnswer, QueryError> {
        let begin = "BEGIN TRANSACTION READ ONLY";
        self.link.execute_batch(begin).doing("run the query")?;
        let answer = self.rows(sql, parameters, limits);
        // There is nothing to keep; a transaction that was interrupted is rolled back already.
        let _ = self.link.execute_batch("ROLLBACK");
        answer
    }

    /// Takes the rows as DuckDB makes them, no more than the limits allow.
    fn rows(&self, sql: &str, parameters: &[Value], limits: QueryLimits) -> Result<QueryAnswer, QueryError> {
        let doing = "run the query";
        let mut statement = self.link.prepare(sql).doing(doing)?;
        // Its iterator panics when a fetch fails; `step` gives the error.
        drop(statement.stream_arrow(params_from_iter(parameters)).doing(doing)?);
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
        while let Some(batch) = statement.step().doing(doing)? {
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

    /// What a table holds.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn contents(&self, table: &str) -> Result<TableContents> {
        let sql = contents_of(&format!("main.{}", quoted(table)));
        let contents = self.link.query_row(&sql, [], |row| {
            Ok(TableContents {
                rows: row.get(0)?,
                digest: row.get(1)?,
            })
        });
        contents.doing("read a table")
    }

    /// Writes every table as a Parquet file into a folder and gives the names of the tables.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn export(&self, folder: &Path) -> Result<Vec<String>> {
        let doing = "export the tables";
        let sql = "SELECT table_name FROM system.main.duckdb_tables() WHERE schema_name = 'main' AND NOT temporary ORDER BY table_name";
        let mut statement = self.link.prepare(sql).doing(doing)?;
        let rows = statement.query_map([], |row| row.get(0));
        let tables: Vec<String> = rows.and_then(Iterator::collect).doing(doing)?;
        for table in &tables {
            let file = folder.join(export_file(table));
            let file = text(&file.to_string_lossy());
            let sql = format!("COPY {} TO {file} (FORMAT parquet)", quoted(table));
            self.link.execute_batch(&sql).doing(doing)?;
        }
        Ok(tables)
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

#[cfg(test)]
mod tests {
    use session_plugin_api::Migration;

    use super::*;
    use crate::state::State;

    #[test]
    fn tables_that_differ_in_rows_that_stand_twice_have_other_contents() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.duckdb")).unwrap();
        let sql = "CREATE TABLE one AS FROM (VALUES ('a'), ('a'), ('c')) AS t(x);
                   CREATE TABLE other AS FROM (VALUES ('b'), ('c'), ('b')) AS t(x);
                   CREATE TABLE same AS FROM (VALUES ('a'), ('c'), ('a')) AS t(x)";
        let declared = DeclaredTables {
            processor: &"p".parse().unwrap(),
            migrations: &[Migration::new(1, "tables", sql)],
            session_tables: &[],
        };
        state.prepare_processor(declared).unwrap();
        let reader = state.reader().unwrap();
        let [one, other, same] = ["one", "other", "same"].map(|table| reader.contents(table).unwrap());
        assert_eq!(one, same);
        assert_ne!(one, other);
    }
}
