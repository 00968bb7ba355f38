//! Removes all that is known of a user or a session.

use duckdb::{Connection, params};
use serde::{Deserialize, Serialize};

use super::{
    error::{Doing, Result},
    mentions::{exports_with, redact_audit},
    migration::in_transaction,
    open::{State, exports_of},
    purge::{self, PurgeWish, Purged},
    table::{SESSION_FILE, SessionTable},
    writer::quoted,
};

/// What was forgotten, and what is left to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// State rows: one for each processor and session.
    pub states: usize,
    /// Failure records.
    pub failures: usize,
    /// Rows in the processors' session tables.
    pub rows: usize,
    /// Entries of the audit log whose texts named the subject.
    pub audit_entries: usize,
    /// Tables that no session is told of in: what they hold of the subject is their processors' to remove.
    pub shared_tables: Vec<String>,
    /// Folders of exports that hold the subject.
    pub exports: Vec<String>,
    /// Whether the state file holds nothing more of what was forgotten.
    pub purged: bool,
    /// Why it still does.
    pub purge_waits: Option<String>,
}

impl State {
    /// Removes everything about a user (`alice`, as recorded or as the folder's name) or one session
    /// (`alice/3f2c.jsonl`), from every table that has a `session_file`, then from the blocks of the file.
    ///
    /// # Errors
    /// When the state cannot be written; nothing is removed then. A purge that fails is no error: it stays due.
    pub fn forget(&self, user_or_session: &str, wish: PurgeWish) -> Result<Forgotten> {
        // Before the rows go: whatever happens in between, the next start purges.
        let is_marked_for_this = purge::mark(self.path())?;
        let mut forgotten = self.remove(user_or_session)?;
        if forgotten.is_nothing() && forgotten.audit_entries == 0 && is_marked_for_this {
            purge::unmark(self.path())?;
        }
        forgotten.exports = exports_with(&*self.connect()?, &exports_of(self.path()), user_or_session);
        match self.purge(wish) {
            Ok(Purged::Done | Purged::NotDue) => forgotten.purged = true,
            Ok(Purged::Waits { why }) => forgotten.purge_waits = Some(why),
            Err(error) => forgotten.purge_waits = Some(error.to_string()),
        }
        Ok(forgotten)
    }

    fn remove(&self, user_or_session: &str) -> Result<Forgotten> {
        self.write(|writer| {
            in_transaction(writer.link(), "forget sessions", |connection| {
                let sessions = sessions_of(connection, user_or_session)?;
                let (tables, shared_tables) = processor_tables(connection)?;
                let mut forgotten = Forgotten {
                    states: delete(connection, "session_processor_state", &sessions)?,
                    failures: delete(connection, "session_processor_failure", &sessions)?,
                    audit_entries: redact_audit(connection, user_or_session)?,
                    shared_tables,
                    ..Forgotten::default()
                };
                for table in tables {
                    forgotten.rows += delete(connection, &table, &sessions)?;
                }
                Ok(forgotten)
            })
        })
    }
}

impl Forgotten {
    /// Whether no table knew of it. Texts of the audit log may have named it all the same, such as one that says so.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.states + self.failures + self.rows == 0
    }

    /// What there is to say where nothing was known of a subject.
    #[must_use]
    pub fn unknown(&self, subject: &str) -> String {
        match self.audit_entries {
            0 => format!("nothing is known of {subject}"),
            entries => format!(
                "nothing is known of {subject}; {entries} entries of the audit log named it and do so no longer"
            ),
        }
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

/// The processors' tables: those with a session in each row, and the others.
fn processor_tables(connection: &Connection) -> Result<(Vec<String>, Vec<String>)> {
    let doing = "list the processors' tables";
    let mut statement = connection
        .prepare("SELECT table_name FROM processor_table ORDER BY table_name")
        .doing(doing)?;
    let rows = statement.query_map([], |row| row.get(0));
    let names: Vec<String> = rows.and_then(Iterator::collect).doing(doing)?;
    let (mut of_sessions, mut shared) = (Vec::new(), Vec::new());
    for name in names {
        match SessionTable::read(connection, &name)? {
            Some(table) if table.has_session_file() => of_sessions.push(name),
            Some(_) => shared.push(name),
            None => {}
        }
    }
    Ok((of_sessions, shared))
}
