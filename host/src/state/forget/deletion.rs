//! Removes everything that is known about a user or a session.

use std::{collections::BTreeSet, iter};

use duckdb::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::{
    cluster::{NewRequest, RequestKind},
    names::{FileHash, ProcessorName, SessionKey},
    state::{
        backend::Backend,
        commit::transaction::{Excluded, Transaction},
        engine::sql::{quoted, text},
        error::{Doing, Result, StateError},
        forget::{
            mentions::{exports_with, redact_audit, redact_pauses},
            purge::{self, PurgeWish, Purged, Purging},
        },
        postgres::{asking, is_of_shared_state},
        records::{alerts, audit::Actor, sessions::EarlierVersion},
        rows::table::SESSION_FILE,
        schema::{
            digests,
            host_tables::{SESSION_FAILURE, SESSION_STATE, is_of_the_host},
            owners::Owners,
        },
    },
};

/// What is being done, for errors.
const FORGETTING: &str = "forget sessions";

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
    /// Tables that name no session, of processors without a hook. Their data about the subject is for the processors to
    /// remove.
    pub shared_tables: Vec<String>,
    /// Folders of exports that hold the subject.
    pub exports: Vec<String>,
    /// Whether the state file no longer holds the subject's text. The host cannot rewrite the files of PostgreSQL.
    pub purged: bool,
    /// Why it still does, if it does.
    pub purge_waits: Option<String>,
}

/// What a transaction is about to forget.
pub struct Forgetting {
    sessions: Sessions,
}

impl Forgetting {
    /// What would be removed.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn counted(&self, transaction: &Transaction) -> Result<ToForget> {
        let connection = transaction.link();
        let (tables, shared_tables) = tables_of_others(connection)?;
        let of_the_host = [SESSION_STATE, SESSION_FAILURE].map(str::to_owned);
        let mut counted = Vec::new();
        for table in of_the_host.into_iter().chain(tables) {
            let rows = rows_of(connection, &table, &self.sessions)?;
            if rows > 0 {
                counted.push((table, rows));
            }
        }
        Ok(ToForget {
            tables: counted,
            shared_tables,
        })
    }

    /// The sessions that a processor has processed, each as it was then.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn sessions_of(
        &self,
        transaction: &Transaction,
        processor: &ProcessorName,
    ) -> Result<Vec<(SessionKey, EarlierVersion)>> {
        let doing = "look for a processor's sessions of a user";
        let sql = format!(
            "SELECT {SESSION_FILE}, username, file_hash FROM {SESSION_STATE} WHERE processor_name = ?
             AND ({SESSION_FILE} = ? OR system.main.starts_with({SESSION_FILE}, ?) OR username = ?) ORDER BY {SESSION_FILE}"
        );
        let mut statement = transaction.link().prepare(&sql).doing(doing)?;
        let Sessions { subject, below, .. } = &self.sessions;
        let rows = statement.query_map(params![processor.as_str(), subject, below, subject], |row| {
            let version = EarlierVersion {
                username: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                hash: row.get::<_, Option<String>>(2)?.map(FileHash::from_hex),
            };
            Ok((SessionKey::new(row.get::<_, String>(0)?), version))
        });
        rows.and_then(Iterator::collect).doing(doing)
    }
}

/// What would be removed of a user or a session. Nobody waits for this.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn count(state: &Backend, user_or_session: &str) -> Result<ToForget> {
    let (forgetting, transaction) = begin_beside(state, user_or_session, Excluded::Nobody)?;
    forgetting.counted(&transaction)
}

/// Begins a transaction that forgets a user (`alice`, as recorded or as the folder's name) or one session
/// (`alice/3f2c.jsonl`).
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn begin(state: &Backend, user_or_session: &str) -> Result<(Forgetting, Transaction)> {
    begin_beside(state, user_or_session, Excluded::Commits)
}

fn begin_beside(state: &Backend, user_or_session: &str, excluded: Excluded) -> Result<(Forgetting, Transaction)> {
    let transaction = Transaction::begin(state.connect()?, excluded)?;
    let subject = user_or_session.trim_end_matches('/');
    let sessions = sessions_of(transaction.link(), subject)?;
    Ok((Forgetting { sessions }, transaction))
}

/// Removes everything about the subject from every table that has a `session_file`, then from the blocks of the file. The
/// hooks of these processors have succeeded.
///
/// # Errors
/// When the state cannot be written; nothing is removed then. A purge that fails is no error: it stays due.
pub(crate) fn end(
    state: &Backend,
    purging: &Purging,
    forgetting: Forgetting,
    transaction: Transaction,
    taken_back: &[ProcessorName],
    wish: PurgeWish,
) -> Result<Forgotten> {
    // Marked before the rows are deleted, so that the next start purges even if this process is killed in between.
    let marked = state.file().map(|file| purge::mark(file.path())).transpose()?;
    let Forgetting { sessions } = forgetting;
    let names = sessions.names();
    let forget = || -> Result<Forgotten> {
        let forgotten = remove(transaction.link(), &sessions, &names, taken_back)?;
        if state.shared().is_some() {
            // With the deletion, so that no run of another host that began before commits what it has read.
            asking::ask(
                transaction.link(),
                &NewRequest::to_all(RequestKind::Forget, Actor::Admin.as_str()),
            )?;
        }
        transaction.commit_alone(FORGETTING, |connection| ensure_gone(connection, &sessions))?;
        Ok(forgotten)
    };
    let mut forgotten = match state.file() {
        // As long as the writer is held, nobody else writes what is removed here.
        Some(file) => file.write(|_| forget()),
        // The locks of the transaction say the same to all hosts. A commit of this one may wait for them with the writer held.
        None => forget(),
    }?;
    forgotten.exports = exports_with(&*state.connect()?, &state.exports(), &names);
    let Some(file) = state.file() else {
        return Ok(forgotten);
    };
    if forgotten.is_nothing() && forgotten.audit_entries == 0 && marked == Some(true) {
        purge::unmark(file.path())?;
    }
    match purging.purge(file, wish) {
        Ok(Purged::Done | Purged::NotDue) => forgotten.purged = true,
        Ok(Purged::Waits { why }) => forgotten.purge_waits = Some(why),
        Err(error) => forgotten.purge_waits = Some(error.to_string()),
    }
    Ok(forgotten)
}

/// Removes a subject, which goes by these names, from the tables.
fn remove(
    connection: &Connection,
    sessions: &Sessions,
    names: &[String],
    taken_back: &[ProcessorName],
) -> Result<Forgotten> {
    let (tables, shared_tables) = tables_of_others(connection)?;
    let mut forgotten = Forgotten {
        states: delete(connection, SESSION_STATE, sessions)?,
        failures: delete(connection, SESSION_FAILURE, sessions)?,
        audit_entries: redact_audit(connection, names)?,
        shared_tables: without_those_of(connection, shared_tables, taken_back)?,
        ..Forgotten::default()
    };
    redact_pauses(connection, names)?;
    alerts::forget(connection, names)?;
    for table in tables {
        forgotten.rows += delete(connection, &table, sessions)?;
    }
    Ok(forgotten)
}

/// The tables that belong to none of these processors.
fn without_those_of(connection: &Connection, mut tables: Vec<String>, owners: &[ProcessorName]) -> Result<Vec<String>> {
    let known = Owners::read(connection)?;
    tables.retain(|table| owners.iter().all(|owner| known.of(table) != Some(owner.as_str())));
    Ok(tables)
}

/// After a failed statement DuckDB reports success for COMMIT but rolls back, so the host checks that the rows are gone.
fn ensure_gone(connection: &Connection, sessions: &Sessions) -> Result<()> {
    let sql = format!(
        "SELECT system.main.count(*) FROM {SESSION_STATE}
         WHERE {SESSION_FILE} = ? OR system.main.starts_with({SESSION_FILE}, ?) OR username = ?"
    );
    let Sessions { subject, below, .. } = sessions;
    let left: i64 = connection
        .query_row(&sql, params![subject, below, subject], |row| row.get(0))
        .doing(FORGETTING)?;
    match left {
        0 => Ok(()),
        missing => Err(StateError::Lost {
            doing: FORGETTING,
            missing,
        }),
    }
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

/// What would be removed of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToForget {
    /// Each table with the number of its rows about the subject, without those that have none.
    pub tables: Vec<(String, u64)>,
    /// Tables that name no session, so that only a hook of their processor can remove something from them.
    pub shared_tables: Vec<String>,
}

/// How many rows of a table are about a subject.
fn rows_of(connection: &Connection, table: &str, sessions: &Sessions) -> Result<u64> {
    let keys: Vec<String> = sessions.keys.iter().map(|key| text(key)).collect();
    let of_user = match keys.as_slice() {
        [] => String::new(),
        keys => format!(" OR {SESSION_FILE} IN ({})", keys.join(", ")),
    };
    let sql = format!(
        "SELECT system.main.count(*) FROM main.{}
         WHERE {SESSION_FILE} = ? OR system.main.starts_with({SESSION_FILE}, ?){of_user}",
        quoted(table)
    );
    let rows: i64 = connection
        .query_row(&sql, params![sessions.subject, sessions.below], |row| row.get(0))
        .doing("count what would be forgotten")?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

fn delete(connection: &Connection, table: &str, sessions: &Sessions) -> Result<usize> {
    let doing = FORGETTING;
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
    let others = tables.into_iter().filter(|(name, _)| {
        !is_of_the_host(name) && !is_of_shared_state(name) && !reference.contains(&name.to_lowercase())
    });
    let (of_sessions, shared): (Vec<_>, Vec<_>) = others.partition(|(_, is_of_sessions)| *is_of_sessions);
    let names = |tables: Vec<(String, bool)>| tables.into_iter().map(|(name, _)| name).collect();
    Ok((names(of_sessions), names(shared)))
}
