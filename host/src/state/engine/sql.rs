//! The basics of SQL that all parts of the state use.
//!
//! The host's own SQL names DuckDB's functions in full, as `system.main.count`, because a migration may have created an
//! object that shadows one of them. [`shadows`](crate::state::schema::shadows) rejects such objects, but older states
//! may contain them.

use std::collections::HashSet;

use duckdb::Connection;

use crate::state::error::{Doing as _, Result, StateError};

/// An identifier, quoted for SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text, quoted for SQL.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Runs `work` in a transaction. Commits it if `work` succeeds, and rolls it back if not.
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
        // If no transaction is left, DuckDB rejects this statement, which does no harm.
        let _ = connection.execute_batch("ROLLBACK");
    }
    result
}

/// The names of all tables of the main schema.
pub(crate) fn tables(connection: &Connection) -> Result<HashSet<String>> {
    let doing = "list the tables";
    let sql = "SELECT table_name FROM system.main.duckdb_tables() WHERE schema_name = 'main' AND NOT temporary";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([], |row| row.get(0));
    rows.and_then(Iterator::collect).doing(doing)
}

/// The names of all views that somebody created.
pub(crate) fn views(connection: &Connection) -> Result<HashSet<String>> {
    let doing = "list the views";
    let sql = "SELECT view_name FROM system.main.duckdb_views() WHERE NOT internal AND NOT temporary";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([], |row| row.get(0));
    rows.and_then(Iterator::collect).doing(doing)
}

/// Whether the main schema has a table of this name.
pub(crate) fn table_exists(connection: &Connection, table: &str) -> Result<bool> {
    // DuckDB plans a statement with a parameter a second time, when it has the value.
    let sql = format!(
        "SELECT system.main.count(*) > 0 FROM system.main.duckdb_tables()
         WHERE schema_name = 'main' AND NOT temporary AND table_name = {}",
        text(table)
    );
    connection
        .query_row(&sql, [], |row| row.get(0))
        .doing("look for a table")
}

/// The query for the contents of a table, whose name is already quoted: how many rows it has, and the sum of their
/// hashes.
///
/// The order of the rows does not count, but how often each occurs does. An xor would be the same for two rows `a` and
/// two rows `b`.
pub(crate) fn contents_of(table: &str) -> String {
    format!(
        "SELECT system.main.count(*), CAST(coalesce(system.main.sum(system.main.hash(t)), 0) AS VARCHAR) FROM {table} AS t"
    )
}
