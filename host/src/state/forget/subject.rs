//! Removes everything that is known about a user or a session.

use std::{collections::BTreeSet, iter};

use duckdb::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::state::{
    engine::sql::{in_transaction, quoted},
    error::{Doing, Result},
    file::paths::exports_of,
    forget::{
        mentions::{exports_with, redact_audit},
        purge::{self, PurgeWish, Purged, Purging},
    },
    open::open_state::OpenState,
    rows::table::SESSION_FILE,
    schema::{
        digests,
        host_tables::{SESSION_FAILURE, SESSION_STATE, is_of_the_host},
    },
};

/// What was removed, and what remains to be done.
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
    /// Tables of processors that name no session. Their data about the subject is for the processors to remove.
    pub shared_tables: Vec<String>,
    /// Folders of exports that hold the subject.
    pub exports: Vec<String>,
    /// Whether the state file no longer holds the subject's text.
    pub purged: bool,
    /// Why it still does, if it does.
    pub purge_waits: Option<String>,
}

/// Removes everything about a user (`alice`, as recorded or as the folder's name) or one session (`alice/3f2c.jsonl`)
/// from every table that has a `session_file`, and then from the blocks of the file.
///
/// # Errors
/// When the state cannot be written. Nothing is removed then. A failed purge is no error: it stays due.
pub(crate) fn forget(
    state: &OpenState,
    purging: &Purging,
    user_or_session: &str,
    wish: PurgeWish,
) -> Result<Forgotten> {
    let path = state.path();
    // Marked before the rows are deleted, so that the next start purges even if this process is killed in between.
    let is_marked_for_this = purge::mark(path)?;
    let subject = user_or_session.trim_end_matches('/');
    let (mut forgotten, names) = state.write(|writer| {
        in_transaction(writer.link(), "forget sessions", |connection| {
            remove(connection, subject)
        })
    })?;
    if forgotten.is_nothing() && forgotten.audit_entries == 0 && is_marked_for_this {
        purge::unmark(path)?;
    }
    forgotten.exports = exports_with(&*state.connect()?, &exports_of(path), &names);
    match purging.purge(state, wish) {
        Ok(Purged::Done | Purged::NotDue) => forgotten.purged = true,
        Ok(Purged::Waits { why }) => forgotten.purge_waits = Some(why),
        Err(error) => forgotten.purge_waits = Some(error.to_string()),
    }
    Ok(forgotten)
}

/// Removes a subject from the tables; returns the other names that it had.
fn remove(connection: &Connection, subject: &str) -> Result<(Forgotten, Vec<String>)> {
    let sessions = sessions_of(connection, subject)?;
    let names = sessions.names();
    let (tables, shared_tables) = tables_of_others(connection)?;
    let mut forgotten = Forgotten {
        states: delete(connection, SESSION_STATE, &sessions)?,
        failures: delete(connection, SESSION_FAILURE, &sessions)?,
        audit_entries: redact_audit(connection, &names)?,
        shared_tables,
        ..Forgotten::default()
    };
    for table in tables {
        forgotten.rows += delete(connection, &table, &sessions)?;
    }
    Ok((forgotten, names))
}

impl Forgotten {
    /// Whether no table knew the subject. Texts of the audit log, such as one about an earlier `forget`, may still name
    /// it.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.states + self.failures + self.rows == 0
    }

    /// The answer if nothing was known about a subject.
    #[must_use]
    pub fn unknown(&self, subject: &str) -> String {
        match self.audit_entries {
            0 => format!("nothing is known about {subject}"),
            entries => format!(
                "nothing is known about {subject}; its name was removed from {entries} entries of the audit log"
            ),
        }
    }
}

/// The sessions of a subject: by their keys, and by the user that they are recorded for.
struct Sessions {
    subject: String,
    below: String,
    keys: Vec<String>,
}

impl Sessions {
    /// The names of the subject: the given one, with the folders of a user whose folders have other names, or with the
    /// key of a session that lies in no folder.
    fn names(&self) -> Vec<String> {
        let folders = self.keys.iter().map(|key| key.split('/').next().unwrap_or(key));
        let names: BTreeSet<&str> = iter::once(self.subject.as_str()).chain(folders).collect();
        names.into_iter().map(str::to_owned).collect()
    }
}

fn sessions_of(connection: &Connection, user_or_session: &str) -> Result<Sessions> {
    let doing = "look for a user's sessions";
    let sql = "SELECT session_file FROM session_processor_state WHERE username = ?1
               UNION SELECT session_file FROM session_processor_failure WHERE username = ?1";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([user_or_session], |row| row.get(0));
    Ok(Sessions {
        subject: user_or_session.to_owned(),
        below: format!("{user_or_session}/"),
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

/// The tables that are not the host's own: those with a session in each row, and the others, except for reference
/// tables, whose rows come with a plugin.
fn tables_of_others(connection: &Connection) -> Result<(Vec<String>, Vec<String>)> {
    let doing = "list the processors' tables";
    let sql = format!(
        "SELECT table_name, system.main.bool_or(system.main.lower(column_name) = '{SESSION_FILE}' AND data_type = 'VARCHAR')
         FROM system.main.duckdb_columns() SEMI JOIN system.main.duckdb_tables() USING (table_oid, database_oid)
         WHERE schema_name = 'main' AND database_name = system.main.current_database()
         GROUP BY table_name ORDER BY table_name"
    );
    let mut statement = connection.prepare(&sql).doing(doing)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let tables: Vec<(String, bool)> = rows.and_then(Iterator::collect).doing(doing)?;
    let reference = digests::recorded(connection)?;
    let others = tables
        .into_iter()
        .filter(|(name, _)| !is_of_the_host(name) && !reference.contains(&name.to_lowercase()));
    let (of_sessions, shared): (Vec<_>, Vec<_>) = others.partition(|(_, is_of_sessions)| *is_of_sessions);
    let names = |tables: Vec<(String, bool)>| tables.into_iter().map(|(name, _)| name).collect();
    Ok((names(of_sessions), names(shared)))
}
