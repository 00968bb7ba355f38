//! The basics of SQL that all parts of the state write with.
//!
//! What the host asks names DuckDB's functions in full, as `system.main.count`: a migration may have made an object that
//! stands before one of them. [`shadows`](crate::state::schema::shadows) refuses such objects, but older states may have
//! them.

use duckdb::Connection;

use crate::state::error::{Doing as _, Result, StateError};

/// An identifier as it stands in SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as it stands in SQL.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Runs `work` in a transaction that is committed when it succeeds and rolled back when it does not.
pub(crate) fn in_transaction<T, E: From<StateError>>(
    connection: &Connection,
    doing: &'static str,
    work: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    connection.execute_batch("BEGIN").doing(doing)?;
    let result = work(connection).and_then(|value| {
        connection.execute_batch("COMMIT").doing(doing)?;
        Ok(value)
    });
    if result.is_err() {
        // Without a transaction left to end, DuckDB refuses the statement: that is as good.
        let _ = connection.execute_batch("ROLLBACK");
    }
    result
}

/// Whether the main schema has a table of this name.
pub(crate) fn table_exists(connection: &Connection, table: &str) -> Result<bool> {
    let sql = "SELECT system.main.count(*) > 0 FROM system.main.duckdb_tables()
               WHERE schema_name = 'main' AND NOT temporary AND table_name = ?";
    connection
        .query_row(sql, [table], |row| row.get(0))
        .doing("look for a table")
}

/// A query for the contents of a table, which is quoted already: how many rows it has, and a sum of their hashes.
///
/// The order of the rows does not count, how often each stands does: an xor would be the same for two rows `a` and for two
/// rows `b`.
pub(crate) fn contents_of(table: &str) -> String {
    format!(
        "SELECT system.main.count(*), CAST(coalesce(system.main.sum(system.main.hash(t)), 0) AS VARCHAR) FROM {table} AS t"
    )
}
