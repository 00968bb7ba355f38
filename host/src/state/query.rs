//! Reading the state for people: read-only SQL, lists and exports.

use std::path::Path;

use duckdb::{AccessMode, Connection};

use super::{
    audit::{self, AuditEntry},
    error::{Doing, Result, StateError},
    failures::{self, Failure},
    open::connect,
    sessions::{self, ProcessorStatus},
    statement,
};
use crate::names::ProcessorName;

/// The state file, opened for reading alone.
pub struct ReadOnlyState {
    connection: Connection,
}

/// The result of a query as text, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendering {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows: each value as DuckDB writes it, `None` for null.
    pub rows: Vec<Vec<Option<String>>>,
}

impl ReadOnlyState {
    /// Opens a state file that there is already.
    ///
    /// # Errors
    /// When there is none, another process has it open, or it is no DuckDB database.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(StateError::Missing { path: path.to_owned() });
        }
        let connection = connect(path, AccessMode::ReadOnly)?;
        Ok(Self { connection })
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

    /// The latest entries of the audit log, the latest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn audit_log(&self, limit: u32) -> Result<Vec<AuditEntry>> {
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
