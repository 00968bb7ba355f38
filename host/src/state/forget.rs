//! Removes all that is known of a user or a session.

use duckdb::{Connection, params};
use serde::Serialize;

use super::{
    error::{Doing, Result},
    migration::in_transaction,
    open::State,
    table::{SESSION_FILE, SessionTable},
    writer::quoted,
};

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// State rows: one for each processor and session.
    pub states: usize,
    /// Failure records.
    pub failures: usize,
    /// Rows in the processors' session tables.
    pub rows: usize,
}

impl State {
    /// Removes everything about a user (`alice`) or one session (`alice/3f2c.jsonl`), from every table that has a
    /// `session_file`.
    ///
    /// # Errors
    /// When the state cannot be written; nothing is removed then.
    pub fn forget(&self, user_or_session: &str) -> Result<Forgotten> {
        let writer = self.writer();
        in_transaction(writer.connection(), "forget sessions", |connection| {
            let mut forgotten = Forgotten {
                states: delete(connection, "session_processor_state", user_or_session)?,
                failures: delete(connection, "session_processor_failure", user_or_session)?,
                rows: 0,
            };
            for table in processor_tables(connection)? {
                forgotten.rows += delete(connection, &table, user_or_session)?;
            }
            Ok(forgotten)
        })
    }
}

fn delete(connection: &Connection, table: &str, user_or_session: &str) -> Result<usize> {
    let sql = format!(
        "DELETE FROM {} WHERE {SESSION_FILE} = ? OR starts_with({SESSION_FILE}, ?)",
        quoted(table)
    );
    let below = format!("{}/", user_or_session.trim_end_matches('/'));
    connection
        .execute(&sql, params![user_or_session, below])
        .doing("forget sessions")
}

fn processor_tables(connection: &Connection) -> Result<Vec<String>> {
    let doing = "list the processors' tables";
    let mut statement = connection
        .prepare("SELECT table_name FROM processor_table ORDER BY table_name")
        .doing(doing)?;
    let rows = statement.query_map([], |row| row.get(0));
    let names: Vec<String> = rows.and_then(Iterator::collect).doing(doing)?;
    let mut tables = Vec::new();
    for name in names {
        if SessionTable::read(connection, &name)?.is_some_and(|table| table.has_session_file()) {
            tables.push(name);
        }
    }
    Ok(tables)
}
