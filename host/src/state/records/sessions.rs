//! The record of each session, and the progress of each processor.

use std::collections::HashMap;

use duckdb::Connection;
use serde::{Deserialize, Serialize};
use session_plugin_api::Timestamp;

use crate::{
    names::{FileHash, ProcessorName, SessionKey},
    state::error::{Doing, Result},
};

/// The record of a session that a processor has processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// The hash of the version that was processed; `None` in rows of older services.
    pub hash: Option<FileHash>,
    /// When that version was processed.
    pub processed_at: Timestamp,
    /// The size and times of the file when it was last read; `None` in rows of an older schema.
    pub checked: Option<Checked>,
    /// The output version that processed it; `None` if it is marked to be processed again.
    pub output_version: Option<u32>,
    /// The user that it is recorded for.
    pub username: String,
}

/// The version of a session that a processor processed, as far as its hooks are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierVersion {
    /// The user that it was recorded for.
    pub username: String,
    /// The hash of its bytes; `None` in rows of older services.
    pub hash: Option<FileHash>,
}

/// The output version of a session that is marked to be processed again.
pub(super) const MARKED: i64 = -1;

impl SessionState {
    /// The version that was processed.
    #[must_use]
    pub fn earlier(&self) -> EarlierVersion {
        EarlierVersion {
            username: self.username.clone(),
            hash: self.hash.clone(),
        }
    }

    /// When the file was last found to be unchanged.
    #[must_use]
    pub fn last_checked(&self) -> Timestamp {
        self.checked
            .map_or(self.processed_at, |checked| checked.checked_at.max(self.processed_at))
    }
}

/// The size and times of a file when it was last read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// When it was read.
    pub checked_at: Timestamp,
}

/// The progress of a processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorStatus {
    /// The processor.
    pub processor: String,
    /// How many sessions it has processed.
    pub sessions: i64,
    /// How many items it extracted from them.
    pub items: i64,
    /// How many further transcripts hold no known record.
    #[serde(default)]
    pub unrecognised: i64,
    /// How many lines of all of them could not be read.
    #[serde(default)]
    pub unreadable_lines: i64,
    /// When the latest of them was processed, UTC.
    pub last_processed_at: Option<String>,
    /// How many sessions are failing.
    pub failing: i64,
    /// When its last run began, UTC.
    pub last_run_at: Option<String>,
    /// How its last run ended.
    pub last_outcome: Option<String>,
}

/// The recorded sessions of a processor.
pub(crate) fn read(connection: &Connection, processor: &ProcessorName) -> Result<HashMap<SessionKey, SessionState>> {
    let doing = "read the state of the sessions";
    let sql = "SELECT session_file, file_hash, system.main.epoch_us(processed_at), file_size, system.main.epoch_us(file_mtime),
                      system.main.epoch_us(checked_at), output_version, username
               FROM session_processor_state WHERE processor_name = ?";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([processor.as_str()], |row| {
        let size: Option<i64> = row.get(3)?;
        let modified: Option<i64> = row.get(4)?;
        let checked_at: Option<i64> = row.get(5)?;
        let checked = size
            .zip(modified)
            .zip(checked_at)
            .map(|((size, modified), checked_at)| Checked {
                size: u64::try_from(size).unwrap_or(0),
                modified: Timestamp::from_micros(modified),
                checked_at: Timestamp::from_micros(checked_at),
            });
        let state = SessionState {
            hash: row.get::<_, Option<String>>(1)?.map(FileHash::from_hex),
            processed_at: Timestamp::from_micros(row.get(2)?),
            checked,
            output_version: u32::try_from(row.get::<_, Option<i64>>(6)?.unwrap_or(0)).ok(),
            username: row.get::<_, Option<String>>(7)?.unwrap_or_default(),
        };
        Ok((SessionKey::new(row.get::<_, String>(0)?), state))
    });
    rows.and_then(Iterator::collect).doing(doing)
}

/// The progress of each processor, sorted by name.
pub(crate) fn status(connection: &Connection) -> Result<Vec<ProcessorStatus>> {
    let doing = "read the progress of the processors";
    let sql = "SELECT processor_name, coalesce(sessions, 0), coalesce(items, 0), last_processed_at::VARCHAR,
                      coalesce(failing, 0), last_run_at::VARCHAR, last_outcome, coalesce(unrecognised, 0),
                      coalesce(unreadable_lines, 0)
               FROM (SELECT processor_name, system.main.count(*) FILTER (unrecognised IS DISTINCT FROM true) AS sessions,
                            system.main.count(*) FILTER (unrecognised) AS unrecognised,
                            system.main.sum(unreadable_lines)::BIGINT AS unreadable_lines,
                            system.main.sum(items_extracted)::BIGINT AS items,
                            system.main.max(processed_at) AS last_processed_at
                     FROM session_processor_state WHERE output_version IS DISTINCT FROM ? GROUP BY processor_name)
               FULL JOIN (SELECT processor_name, system.main.count(*) AS failing
                          FROM session_processor_failure GROUP BY processor_name) USING (processor_name)
               FULL JOIN processor_schedule USING (processor_name)
               ORDER BY processor_name";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([MARKED], |row| {
        Ok(ProcessorStatus {
            processor: row.get(0)?,
            sessions: row.get(1)?,
            items: row.get(2)?,
            last_processed_at: row.get(3)?,
            failing: row.get(4)?,
            last_run_at: row.get(5)?,
            last_outcome: row.get(6)?,
            unrecognised: row.get(7)?,
            unreadable_lines: row.get(8)?,
        })
    });
    rows.and_then(Iterator::collect).doing(doing)
}
