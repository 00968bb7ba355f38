//! What became of one session: what each processor made of it, and how it failed.

use duckdb::{Connection, params};
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
    /// When it last processed the session, UTC; `None` if it never has.
    pub processed_at: Option<String>,
    /// How many items it extracted then.
    pub items: Option<i64>,
    /// Whether the session is marked to be processed again.
    pub is_marked: bool,
    /// The attempts that failed since.
    pub failed: Option<FailedAttempts>,
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
    let sql = "SELECT processor_name, done.processed_at::VARCHAR, done.items_extracted,
                      coalesce(done.output_version = ?1, false), failed.kind, failed.error, failed.attempts,
                      failed.counted_attempts, failed.first_failed_at::VARCHAR, system.main.epoch_us(failed.last_failed_at)
               FROM (SELECT * FROM session_processor_state WHERE session_file = ?2) AS done
               FULL JOIN (SELECT * FROM session_processor_failure WHERE session_file = ?2) AS failed USING (processor_name)
               ORDER BY processor_name";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map(params![MARKED, session.as_str()], |row| {
        let kind: Option<String> = row.get(4)?;
        let failed = match kind {
            None => None,
            Some(kind) => Some(FailedAttempts {
                kind,
                error: row.get(5)?,
                attempts: row.get(6)?,
                counted: u64::try_from(row.get::<_, i64>(7)?).unwrap_or(0),
                first_failed_at: row.get(8)?,
                last_failed_at: Timestamp::from_micros(row.get(9)?),
            }),
        };
        Ok(SessionAttempts {
            processor: row.get(0)?,
            processed_at: row.get(1)?,
            items: row.get(2)?,
            is_marked: row.get(3)?,
            failed,
        })
    });
    rows.and_then(Iterator::collect).doing(doing)
}
