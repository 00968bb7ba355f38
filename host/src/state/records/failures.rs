//! The records of failed attempts: one for each processor and session, until the session succeeds.

use std::{collections::HashMap, fmt};

use duckdb::{Connection, params};
use serde::{Deserialize, Serialize};
use session_plugin_api::Timestamp;

use crate::{
    names::{FileHash, ProcessorName, SessionKey},
    state::{
        error::{Doing, Result},
        records::audit,
    },
};

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// It returned an error, or could not be read or committed.
    Error,
    /// It panicked.
    Panic,
    /// It did not return in time.
    Timeout,
    /// The process that made it crashed.
    Crash,
    /// It needed more memory than it may have.
    Memory,
}

impl FailureKind {
    /// The kind as it stands in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Timeout => "timeout",
            Self::Crash => "crash",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What a file looks like without being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLook {
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Timestamp,
}

/// Which version of a plugin made an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginVersion {
    /// The version of what it writes.
    pub output: u32,
    /// The hash of its file.
    pub digest: String,
}

/// A failed attempt, to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureRecord {
    /// The session.
    pub session: SessionKey,
    /// The user that it is recorded for.
    pub username: String,
    /// The version that was attempted; `None` if it could not be read.
    pub hash: Option<FileHash>,
    /// What its file looked like.
    pub file: FileLook,
    /// When the attempt failed.
    pub failed_at: Timestamp,
    /// How it failed.
    pub kind: FailureKind,
    /// The error.
    pub error: String,
}

/// A failing session, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The processor.
    pub processor: String,
    /// The session's key.
    pub session: String,
    /// The user that it is recorded for.
    pub username: Option<String>,
    /// How many attempts failed since the last success.
    pub attempts: i64,
    /// When the first of them failed, UTC.
    pub first_failed_at: String,
    /// When the last of them failed, UTC.
    pub last_failed_at: String,
    /// How the last one failed.
    pub kind: String,
    /// The error of that attempt.
    pub error: String,
    /// Whether so many attempts failed that no run makes another one.
    #[serde(default)]
    pub quarantined: bool,
}

/// What is recorded of a session that fails, for the choice whether a run attempts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingSession {
    /// When the last attempt failed.
    pub last_failed_at: Timestamp,
    /// How many failed attempts count: those since the transcript or the plugin changed, or since a retry.
    pub counted_attempts: u64,
    /// What the file looked like then; `None` in rows of an older schema.
    pub file: Option<FileLook>,
    /// The version of the plugin that failed; `None` in rows of an older schema.
    pub plugin: Option<PluginVersion>,
}

/// Whether a session is in quarantine after so many failed attempts that count. `None` for no quarantine.
#[must_use]
pub fn is_quarantined(counted_attempts: u64, max_attempts: Option<u64>) -> bool {
    max_attempts.is_some_and(|max| counted_attempts >= max)
}

/// The sessions of a processor that fail.
pub(crate) fn failing(
    connection: &Connection,
    processor: &ProcessorName,
) -> Result<HashMap<SessionKey, FailingSession>> {
    let doing = "read the failures";
    let sql = "SELECT session_file, system.main.epoch_us(last_failed_at), counted_attempts, file_size,
                      system.main.epoch_us(file_mtime), output_version, plugin_digest
               FROM session_processor_failure WHERE processor_name = ?";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([processor.as_str()], |row| {
        let file = row.get::<_, Option<i64>>(3)?.zip(row.get::<_, Option<i64>>(4)?);
        let plugin = row.get::<_, Option<u32>>(5)?.zip(row.get::<_, Option<String>>(6)?);
        let failing = FailingSession {
            last_failed_at: Timestamp::from_micros(row.get(1)?),
            counted_attempts: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
            file: file.map(|(size, modified)| FileLook {
                size: u64::try_from(size).unwrap_or(0),
                modified: Timestamp::from_micros(modified),
            }),
            plugin: plugin.map(|(output, digest)| PluginVersion { output, digest }),
        };
        Ok((SessionKey::new(row.get::<_, String>(0)?), failing))
    });
    rows.and_then(Iterator::collect).doing(doing)
}

/// What becomes of the records of failing sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureChange {
    /// They are removed, because the sessions no longer fail.
    Clear,
    /// The next run attempts the sessions as if they had failed for the first time.
    CountAnew,
}

impl FailureChange {
    /// What it does, for errors.
    pub(crate) fn doing(self) -> &'static str {
        match self {
            Self::Clear => "clear the failures of processed sessions",
            Self::CountAnew => "count the attempts of failing sessions anew",
        }
    }

    fn sql(self) -> &'static str {
        match self {
            Self::Clear => "DELETE FROM session_processor_failure WHERE processor_name = ? AND session_file = ?",
            Self::CountAnew => {
                "UPDATE session_processor_failure SET counted_attempts = 0 WHERE processor_name = ? AND session_file = ?"
            }
        }
    }
}

/// Changes the records of failing sessions within the connection's transaction.
pub(crate) fn change(
    connection: &Connection,
    change: FailureChange,
    processor: &ProcessorName,
    sessions: &[SessionKey],
) -> Result<()> {
    let doing = change.doing();
    let mut statement = connection.prepare(change.sql()).doing(doing)?;
    for session in sessions {
        statement
            .execute(params![processor.as_str(), session.as_str()])
            .doing(doing)?;
    }
    Ok(())
}

/// Lists the failing sessions, the latest first. Those of which `max_attempts` attempts count are in quarantine.
pub(crate) fn list(
    connection: &Connection,
    processor: Option<&ProcessorName>,
    max_attempts: Option<u64>,
) -> Result<Vec<Failure>> {
    let doing = "list the failures";
    let sql =
        "SELECT processor_name, session_file, username, attempts, first_failed_at::VARCHAR, last_failed_at::VARCHAR,
                      kind, error, counted_attempts
               FROM session_processor_failure WHERE coalesce(processor_name = ?, true)
               ORDER BY last_failed_at DESC, processor_name, session_file";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([processor.map(ProcessorName::as_str)], |row| {
        Ok(Failure {
            processor: row.get(0)?,
            session: row.get(1)?,
            username: row.get(2)?,
            attempts: row.get(3)?,
            first_failed_at: row.get(4)?,
            last_failed_at: row.get(5)?,
            kind: row.get(6)?,
            error: row.get(7)?,
            quarantined: is_quarantined(u64::try_from(row.get::<_, i64>(8)?).unwrap_or(0), max_attempts),
        })
    });
    rows.and_then(Iterator::collect).doing(doing)
}

/// Sessions that failed while no session was processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllFailed {
    /// How many sessions there are.
    pub sessions: u64,
}

/// The sessions that first failed after the processor last processed one, if the latest run that attempted one of them
/// processed nothing. A session that fails again and again in otherwise idle runs does not count.
///
/// It is too early to judge a run under way, so sessions that failed since it began are left out.
pub(crate) fn all_failed(
    connection: &Connection,
    processor: &ProcessorName,
    run_began: Option<Timestamp>,
) -> Result<Option<AllFailed>> {
    let doing = "look for runs in which everything failed";
    let sql = "SELECT system.main.count(*), system.main.epoch_us(system.main.max(first_failed_at)) FROM session_processor_failure
               WHERE processor_name = ?1 AND coalesce(first_failed_at < system.main.make_timestamp(?2), true)
                 AND first_failed_at > coalesce((SELECT system.main.max(processed_at) FROM session_processor_state
                                                 WHERE processor_name = ?1), '-infinity'::TIMESTAMP)";
    let parameters = params![processor.as_str(), run_began.map(Timestamp::as_micros)];
    let (sessions, latest): (i64, Option<i64>) = connection
        .query_row(sql, parameters, |row| Ok((row.get(0)?, row.get(1)?)))
        .doing(doing)?;
    let Some(latest) = latest else { return Ok(None) };
    match audit::processed_by_run_at(connection, processor, latest)? {
        Some(processed) if processed > 0 => Ok(None),
        _ => Ok(Some(AllFailed {
            sessions: u64::try_from(sessions).unwrap_or(0),
        })),
    }
}

/// Writes failed attempts within the connection's transaction.
///
/// An attempt counts from 1 again where the transcript or the plugin is another one. Where both hashes of the transcript are
/// known they tell; where one is not, because the transcript could not be read, the look of the file does.
pub(crate) fn record(
    connection: &Connection,
    processor: &ProcessorName,
    plugin: &PluginVersion,
    failures: &[FailureRecord],
) -> Result<()> {
    let doing = "record failed attempts";
    let sql = "INSERT INTO session_processor_failure AS known
                   (processor_name, session_file, username, file_hash, attempts, first_failed_at, last_failed_at, kind, error,
                    counted_attempts, file_size, file_mtime, output_version, plugin_digest)
               VALUES (?1, ?2, ?3, ?4, 1, system.main.make_timestamp(?5), system.main.make_timestamp(?5), ?6, ?7,
                       1, ?8, system.main.make_timestamp(?9), ?10, ?11)
               ON CONFLICT (processor_name, session_file) DO UPDATE SET
                   attempts = known.attempts + 1, last_failed_at = excluded.last_failed_at,
                   username = excluded.username, file_hash = excluded.file_hash, kind = excluded.kind, error = excluded.error,
                   counted_attempts = CASE
                       WHEN known.plugin_digest = excluded.plugin_digest AND known.output_version = excluded.output_version
                            AND coalesce(known.file_hash = excluded.file_hash,
                                         known.file_size = excluded.file_size AND known.file_mtime = excluded.file_mtime)
                       THEN known.counted_attempts + 1 ELSE 1 END,
                   file_size = excluded.file_size, file_mtime = excluded.file_mtime,
                   output_version = excluded.output_version, plugin_digest = excluded.plugin_digest";
    let mut statement = connection.prepare(sql).doing(doing)?;
    for failure in failures {
        let parameters = params![
            processor.as_str(),
            failure.session.as_str(),
            failure.username,
            failure.hash.as_ref().map(FileHash::as_str),
            failure.failed_at.as_micros(),
            failure.kind.as_str(),
            failure.error,
            i64::try_from(failure.file.size).unwrap_or(i64::MAX),
            failure.file.modified.as_micros(),
            plugin.output,
            plugin.digest,
        ];
        statement.execute(parameters).doing(doing)?;
    }
    Ok(())
}
