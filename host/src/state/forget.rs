//! Removes all that is known of a user or a session.

use duckdb::{Connection, params};
use serde::{Deserialize, Serialize};

use super::{
    error::{Doing, Result},
    migration::in_transaction,
    open::State,
    table::{SESSION_FILE, SessionTable},
    writer::quoted,
};

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// State rows: one for each processor and session.
    pub states: usize,
    /// Failure records.
    pub failures: usize,
    /// Rows in the processors' session tables.
    pub rows: usize,
}

impl State {
    /// Removes everything about a user (`alice`, as recorded or as the folder's name) or one session
    /// (`alice/3f2c.jsonl`), from every table that has a `session_file`.
    ///
    /// # Errors
    /// When the state cannot be written; nothing is removed then.
    pub fn forget(&self, user_or_session: &str) -> Result<Forgotten> {
        self.write(|writer| {
            in_transaction(writer.link(), "forget sessions", |connection| {
                let sessions = sessions_of(connection, user_or_session)?;
                let mut forgotten = Forgotten {
                    states: delete(connection, "session_processor_state", &sessions)?,
                    failures: delete(connection, "session_processor_failure", &sessions)?,
                    rows: 0,
                };
                for table in processor_tables(connection)? {
                    forgotten.rows += delete(connection, &table, &sessions)?;
                }
                Ok(forgotten)
            })
        })
    }
}

impl Forgotten {
    /// Whether there was nothing to forget.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// The sessions that are meant: by their keys, and by the user that they are recorded for.
struct Sessions {
    subject: String,
    below: String,
    keys: Vec<String>,
}

fn sessions_of(connection: &Connection, user_or_session: &str) -> Result<Sessions> {
    let doing = "look for a user's sessions";
    let sql = "SELECT session_file FROM session_processor_state WHERE username = ?1
               UNION SELECT session_file FROM session_processor_failure WHERE username = ?1";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([user_or_session], |row| row.get(0));
    Ok(Sessions {
        subject: user_or_session.to_owned(),
        below: format!("{}/", user_or_session.trim_end_matches('/')),
        keys: rows.and_then(Iterator::collect).doing(doing)?,
    })
}

fn delete(connection: &Connection, table: &str, sessions: &Sessions) -> Result<usize> {
    let doing = "forget sessions";
    let table = quoted(table);
    let sql = format!("DELETE FROM {table} WHERE {SESSION_FILE} = ? OR system.main.starts_with({SESSION_FILE}, ?)");
    let mut deleted = connection
        .execute(&sql, params![sessions.subject, sessions.below])
        .doing(doing)?;
    let sql = format!("DELETE FROM {table} WHERE {SESSION_FILE} = ?");
    let mut statement = connection.prepare(&sql).doing(doing)?;
    for key in &sessions.keys {
        deleted += statement.execute([key]).doing(doing)?;
    }
    Ok(deleted)
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
