//! Marks sessions to be processed again.

use duckdb::{Connection, ToSql, params};
use session_plugin_api::Timestamp;

use super::sessions::MARKED;
use crate::{
    names::{ProcessorName, SessionKey},
    state::error::{Doing, Result},
};

/// Which sessions of a processor are processed again: those that meet every condition. Without conditions, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReprocessFilter {
    /// It is this session.
    pub session: Option<SessionKey>,
    /// Its transcript was last written at this time or later.
    pub since: Option<Timestamp>,
    /// Its transcript was last written before this time.
    pub until: Option<Timestamp>,
    /// It belongs to this user, as recorded or as the folder's name.
    pub user: Option<String>,
    /// Its key begins with this text, with or without its first folder.
    pub project: Option<String>,
}

/// The sessions that were marked, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// How many there are.
    pub sessions: u64,
    /// The recorded size of their transcripts.
    pub bytes: u64,
}

impl ReprocessFilter {
    /// What it does not select, if it selects nothing: `no session alice/3f2c.jsonl`.
    #[must_use]
    pub fn nothing(&self) -> String {
        match &self.session {
            _ if *self == Self::default() => "no session that is not marked already".to_owned(),
            Some(session) if *self == Self::one(session) => format!("no session {session} that is not marked already"),
            _ => "no session that meets all conditions and is not marked already".to_owned(),
        }
    }

    fn one(session: &SessionKey) -> Self {
        Self {
            session: Some(session.clone()),
            ..Self::default()
        }
    }
}

/// The rows that a filter selects. Rows that are marked already are left out.
const SELECTED: &str = "
    processor_name = ?2 AND output_version IS DISTINCT FROM ?1
    AND (?3::VARCHAR IS NULL OR session_file = ?3)
    AND (?4::BIGINT IS NULL OR system.main.epoch_us(file_mtime) >= ?4)
    AND (?5::BIGINT IS NULL OR system.main.epoch_us(file_mtime) < ?5)
    AND (?6::VARCHAR IS NULL OR username = ?6 OR system.main.starts_with(session_file, ?6 || '/'))
    AND (?7::VARCHAR IS NULL OR system.main.starts_with(session_file, ?7)
         OR system.main.starts_with(
                system.main.substr(session_file, system.main.strpos(session_file, '/') + 1), ?7))";

/// Counts the sessions that [`mark`] would mark.
pub(crate) fn count(connection: &Connection, processor: &ProcessorName, filter: &ReprocessFilter) -> Result<Marked> {
    let sql = format!(
        "SELECT system.main.count(*), coalesce(system.main.sum(file_size), 0)::BIGINT
         FROM session_processor_state WHERE {SELECTED}"
    );
    let counted = with_parameters(processor, filter, |parameters| {
        connection.query_row(&sql, parameters, |row| {
            let (sessions, bytes): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(Marked {
                sessions: u64::try_from(sessions).unwrap_or(0),
                bytes: u64::try_from(bytes).unwrap_or(0),
            })
        })
    });
    counted.doing("count the sessions to be reprocessed")
}

/// Marks the selected sessions to be processed again; returns what was marked. Their rows stay: a hook takes back what was
/// written for them.
pub(crate) fn mark(connection: &Connection, processor: &ProcessorName, filter: &ReprocessFilter) -> Result<Marked> {
    let marked = count(connection, processor, filter)?;
    let sql = format!("UPDATE session_processor_state SET output_version = ?1 WHERE {SELECTED}");
    let updated = with_parameters(processor, filter, |parameters| connection.execute(&sql, parameters));
    updated.doing("mark sessions for reprocessing")?;
    Ok(marked)
}

fn with_parameters<T>(
    processor: &ProcessorName,
    filter: &ReprocessFilter,
    run: impl FnOnce(&[&dyn ToSql]) -> duckdb::Result<T>,
) -> duckdb::Result<T> {
    let micros = |time: Option<Timestamp>| time.map(|time| time.as_micros());
    run(params![
        MARKED,
        processor.as_str(),
        filter.session.as_ref().map(SessionKey::as_str),
        micros(filter.since),
        micros(filter.until),
        filter.user,
        filter.project,
    ])
}
