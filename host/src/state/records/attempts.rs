//! What became of one session: what each processor made of it, and how it failed.

use duckdb::{Connection, Row};
use session_plugin_api::Timestamp;

use crate::{
    names::SessionKey,
    state::{
        error::{Doing, Result},
        records::sessions::MARKED,
    },
};

/// What a processor made of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAttempts {
    /// The processor.
    pub processor: String,
    /// The version that it last processed; `None` if it never has.
    pub processed: Option<ProcessedVersion>,
    /// The attempts that failed since.
    pub failed: Option<FailedAttempts>,
}

/// The version of a session that a processor has processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessedVersion {
    /// The user that it is recorded for.
    pub username: Option<String>,
    /// When, UTC.
    pub at: String,
    /// With which output version, if that is recorded.
    pub output: Option<OutputVersion>,
    /// How many items it gave.
    pub items: u64,
    /// The size of the file, in bytes.
    pub size: Option<u64>,
    /// The lines that could not be read.
    pub unreadable_lines: u64,
}

/// With which output version a session was processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputVersion {
    /// This one.
    Of(i64),
    /// Whichever: the session is marked to be processed again.
    Marked,
}

impl ProcessedVersion {
    /// Whether the session is marked to be processed again.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.output == Some(OutputVersion::Marked)
    }
}

/// Attempts that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempts {
    /// How the last one failed.
    pub kind: String,
    /// Its error.
    pub error: String,
    /// How many failed since the last success.
    pub attempts: i64,
    /// How many of them count for backoff and quarantine.
    pub counted: u64,
    /// When the first one failed, UTC.
    pub first_failed_at: String,
    /// When the last one failed.
    pub last_failed_at: Timestamp,
}

/// What each processor made of a session, by their names.
pub(crate) fn of_session(connection: &Connection, session: &SessionKey) -> Result<Vec<SessionAttempts>> {
    let doing = "read the attempts at a session";
    let sql = "SELECT processor_name, done.processed_at::VARCHAR, done.username, done.output_version, done.items_extracted,
                      done.file_size, done.unreadable_lines, failed.kind, failed.error, failed.attempts,
                      failed.counted_attempts, failed.first_failed_at::VARCHAR, system.main.epoch_us(failed.last_failed_at)
               FROM (SELECT * FROM main.session_processor_state WHERE session_file = ?1) AS done
               FULL JOIN (SELECT * FROM main.session_processor_failure WHERE session_file = ?1) AS failed USING (processor_name)
               ORDER BY processor_name";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([session.as_str()], |row| {
        Ok(SessionAttempts {
            processor: row.get(0)?,
            processed: processed(row)?,
            failed: failed(row)?,
        })
    });
    rows.and_then(Iterator::collect).doing(doing)
}

fn processed(row: &Row<'_>) -> duckdb::Result<Option<ProcessedVersion>> {
    let Some(at) = row.get(1)? else {
        return Ok(None);
    };
    let count = |place| {
        Ok::<_, duckdb::Error>(
            row.get::<_, Option<i64>>(place)?
                .and_then(|count| u64::try_from(count).ok()),
        )
    };
    let output: Option<i64> = row.get(3)?;
    Ok(Some(ProcessedVersion {
        at,
        username: row.get(2)?,
        output: output.map(|version| match version {
            MARKED => OutputVersion::Marked,
            version => OutputVersion::Of(version),
        }),
        items: count(4)?.unwrap_or(0),
        size: count(5)?,
        unreadable_lines: count(6)?.unwrap_or(0),
    }))
}

fn failed(row: &Row<'_>) -> duckdb::Result<Option<FailedAttempts>> {
    let Some(kind) = row.get(7)? else {
        return Ok(None);
    };
    Ok(Some(FailedAttempts {
        kind,
        error: row.get(8)?,
        attempts: row.get(9)?,
        counted: u64::try_from(row.get::<_, i64>(10)?).unwrap_or(0),
        first_failed_at: row.get(11)?,
        last_failed_at: Timestamp::from_micros(row.get(12)?),
    }))
}
