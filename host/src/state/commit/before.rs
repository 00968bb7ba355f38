//! What the state may hold of a session from before a run.
//!
//! A commit removes the earlier rows of its sessions. To look for them costs a scan of every table, also where there is
//! nothing to remove: a first pass over many sessions would then take time with their square. So a run says of which
//! sessions the state knew when it began. Any other session has no state row and no failure. It has no rows either,
//! with two exceptions: rows that nobody recorded, such as those of an older service, and rows that the processor writes
//! itself with `execute`. The commits look for the former once in a run, and the latter end the trust.
//!
//! # Threads
//! All threads that commit sessions of a run share what it knows, under a lock. It is held while the leftovers are
//! sought, so that they are sought once.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use duckdb::{Connection, params};
use session_plugin_api::Timestamp;

use crate::{
    names::{FileHash, ProcessorName, SessionKey},
    state::{
        commit::session::Done,
        engine::sql::quoted,
        error::{Doing, Result},
        rows::table::{FilledTable, SESSION_FILE},
        schema::host_tables::SESSION_STATE,
    },
};

/// What the state may hold of a processor's sessions from before a run.
#[derive(Debug)]
pub struct Before {
    /// The sessions that have a state row or a failure, and their state rows; `None` if nobody knows.
    sessions: Option<HashMap<SessionKey, Recorded>>,
    leftovers: Mutex<Leftovers>,
}

/// What a state row says of a session's version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Recorded {
    /// There is no state row.
    #[default]
    Nothing,
    /// This version.
    Version {
        /// The hash of its bytes.
        hash: Option<FileHash>,
        /// The output version of the processor; `None` if the session is marked for reprocessing.
        output: Option<u32>,
        /// When it was processed. A session that moves to another user is processed again with the same bytes.
        processed_at: Timestamp,
    },
}

/// The sessions that have rows, but no state row.
#[derive(Debug, Default)]
enum Leftovers {
    /// Nobody has asked yet.
    #[default]
    Unasked,
    /// The first sessions were written as if they all had rows, which is cheaper than to look where a run writes few.
    Supposed,
    /// These sessions.
    Found(HashSet<String>),
    /// Any session may have some.
    Anywhere,
}

/// What the state may hold of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traces {
    /// A state row or a failure, and rows.
    Record,
    /// Only rows.
    Rows,
    /// Nothing.
    None,
}

impl Before {
    /// Nobody knows what the state holds.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            sessions: None,
            leftovers: Mutex::default(),
        }
    }

    /// The state holds a state row or a failure of these sessions, and of no other session of the processor that the run
    /// attempts.
    #[must_use]
    pub fn only(sessions: HashMap<SessionKey, Recorded>) -> Self {
        Self {
            sessions: Some(sessions),
            leftovers: Mutex::default(),
        }
    }

    /// What the state recorded of a session when it was chosen; `None` if nobody knows.
    pub(crate) fn chosen_by(&self, session: &SessionKey) -> Option<Recorded> {
        let sessions = self.sessions.as_ref()?;
        Some(sessions.get(session).cloned().unwrap_or_default())
    }

    /// Notes that the processor has written rows of a session table with `execute`.
    pub fn has_executed(&self) {
        *self.leftovers() = Leftovers::Anywhere;
    }

    /// What the state may hold of each session.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(crate) fn traces(
        &self,
        connection: &Connection,
        processor: &ProcessorName,
        tables: &[Arc<FilledTable>],
        group: &[Done],
    ) -> Result<Vec<Traces>> {
        let Some(known) = &self.sessions else {
            return Ok(vec![Traces::Record; group.len()]);
        };
        let is_known = |done: &Done| known.contains_key(&done.seen.session);
        let mut leftovers = self.leftovers();
        if !group.iter().all(is_known) {
            leftovers.look(connection, processor, tables)?;
        }
        let traces = group.iter().map(|done| match is_known(done) {
            true => Traces::Record,
            false if leftovers.may_be_of(&done.seen.session) => Traces::Rows,
            false => Traces::None,
        });
        Ok(traces.collect())
    }

    fn leftovers(&self) -> MutexGuard<'_, Leftovers> {
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leftovers {
    /// Learns more, for a group with sessions of which the state does not know.
    fn look(&mut self, connection: &Connection, processor: &ProcessorName, tables: &[Arc<FilledTable>]) -> Result<()> {
        match self {
            Self::Unasked => *self = Self::Supposed,
            Self::Supposed => *self = Self::Found(leftovers(connection, processor, tables)?),
            Self::Found(_) | Self::Anywhere => {}
        }
        Ok(())
    }

    fn may_be_of(&self, session: &SessionKey) -> bool {
        match self {
            Self::Found(sessions) => sessions.contains(session.as_str()),
            Self::Unasked | Self::Supposed | Self::Anywhere => true,
        }
    }
}

/// The sessions that have rows in one of the tables, but no state row.
fn leftovers(
    connection: &Connection,
    processor: &ProcessorName,
    tables: &[Arc<FilledTable>],
) -> Result<HashSet<String>> {
    let doing = "look for rows of sessions that are not recorded";
    let mut sessions = HashSet::new();
    for table in tables {
        let sql = format!(
            "SELECT DISTINCT {SESSION_FILE} FROM {}
             ANTI JOIN (SELECT {SESSION_FILE} FROM {SESSION_STATE} WHERE processor_name = ?) USING ({SESSION_FILE})
             WHERE {SESSION_FILE} IS NOT NULL",
            quoted(table.name())
        );
        let mut statement = connection.prepare(&sql).doing(doing)?;
        let found = statement.query_map(params![processor.as_str()], |row| row.get(0));
        for session in found.doing(doing)? {
            sessions.insert(session.doing(doing)?);
        }
    }
    Ok(sessions)
}
