//! The one writer: commits groups of sessions, each session's rows together with its state row.
//!
//! Every commit waits for the disk, however little it holds, so sessions are committed in groups. If a group fails, its
//! sessions are committed one by one, so that only the offender fails.
//!
//! # Threads
//! A state has one writer, under a lock that every writing thread takes. Without it, DuckDB would let two commits run
//! at once, and reject one of them if both touch the same rows.

use std::{collections::BTreeMap, sync::Arc};

use duckdb::{
    Connection,
    arrow::{
        array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
        compute::concat_batches,
        datatypes::{Field, Schema},
        error::ArrowError,
    },
    params,
};
use session_plugin_api::{Timestamp, abi::message::Processed};

use crate::{
    names::{FileHash, ProcessorName, SessionKey},
    state::{
        engine::{
            instance::Link,
            sql::{in_transaction, quoted},
        },
        error::{Doing, Result, StateError},
        records::{
            failures::{self, FailureRecord, PluginVersion},
            sessions::EarlierVersion,
        },
        rows::{
            batch::{FilledColumn, PendingRows},
            table::FilledTable,
        },
    },
};

/// The version of a transcript that the host read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The session.
    pub session: SessionKey,
    /// The user that it is recorded for.
    pub username: String,
    /// The hash of the bytes that were read.
    pub hash: FileHash,
    /// How many bytes were read.
    pub size: u64,
    /// When the file was last written, according to its metadata before it was read.
    pub modified: Timestamp,
    /// When the bytes were read.
    pub read_at: Timestamp,
}

impl Seen {
    /// An earlier version of a session. Of its file, only the hash is known.
    #[must_use]
    pub fn of_earlier(session: &SessionKey, version: &EarlierVersion) -> Self {
        Self {
            session: session.clone(),
            username: version.username.clone(),
            hash: version.hash.clone().unwrap_or_else(|| FileHash::from_hex("")),
            size: 0,
            modified: Timestamp::from_micros(0),
            read_at: Timestamp::from_micros(0),
        }
    }
}

/// A session that a processor has processed, with the results.
#[derive(Clone, Debug)]
pub struct Done {
    /// The version of the transcript.
    pub seen: Seen,
    /// The processor's counts of extracted items and unreadable lines.
    pub processed: Processed,
    /// The rows that replace the session's earlier ones.
    pub rows: Vec<PendingRows>,
}

impl Done {
    /// How many bytes of memory the rows take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.rows.iter().map(PendingRows::size).sum()
    }
}

/// The processor, its output version and its tables, which the commits need.
pub struct Destination {
    /// The processor.
    pub processor: ProcessorName,
    /// The version of its plugin.
    pub plugin: PluginVersion,
    /// Its session tables.
    pub tables: Vec<Arc<FilledTable>>,
}

/// A session of a group that could not be committed.
#[derive(Debug)]
pub struct CommitError {
    /// The session that failed.
    pub session: SessionKey,
    /// Why.
    pub error: StateError,
}

/// The connection that commits finished sessions.
pub struct Writer {
    connection: Link,
}

const STAGING: &str = "CREATE TEMP TABLE IF NOT EXISTS staged_session (
        session_file VARCHAR, username VARCHAR, items_extracted BIGINT, file_hash VARCHAR,
        file_size BIGINT, file_mtime TIMESTAMP, checked_at TIMESTAMP, unreadable_lines BIGINT, unrecognised BOOLEAN)";

impl Writer {
    pub(crate) fn new(connection: Link) -> Result<Self> {
        connection.execute_batch(STAGING).doing("create the staging table")?;
        Ok(Self { connection })
    }

    /// Commits a group of sessions. If that fails, commits them one by one, so that only the offender fails.
    ///
    /// Returns the sessions that failed; all others are then committed.
    ///
    /// # Errors
    /// When the database cannot continue. What was not committed is rolled back.
    pub fn commit(&self, destination: &Destination, group: &[Done]) -> Result<Vec<CommitError>> {
        let Err(error) = self.commit_together(destination, group) else {
            return Ok(Vec::new());
        };
        if error.is_fatal() {
            return Err(error);
        }
        let mut failed = Vec::new();
        for done in group {
            match self.commit_together(destination, std::slice::from_ref(done)) {
                Ok(()) => {}
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => failed.push(CommitError {
                    session: done.seen.session.clone(),
                    error,
                }),
            }
        }
        Ok(failed)
    }

    fn commit_together(&self, destination: &Destination, group: &[Done]) -> Result<()> {
        let doing = "commit a group of sessions";
        in_transaction(&self.connection, doing, |connection| {
            write(connection, destination, group)
        })?;
        verify(&self.connection, destination, group)
    }

    /// Records that sessions were read again and turned out unchanged. That also ends failures of versions in between.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn refresh(&self, destination: &Destination, unchanged: &[Seen]) -> Result<()> {
        let doing = "refresh unchanged sessions";
        in_transaction(&self.connection, doing, |connection| {
            let nothing = Processed::default();
            stage(connection, unchanged.iter().map(|seen| (seen, &nothing)))?;
            let sql = "UPDATE session_processor_state AS state
                       SET username = staged.username, file_size = staged.file_size, file_mtime = staged.file_mtime, checked_at = staged.checked_at
                       FROM staged_session AS staged
                       WHERE state.processor_name = ? AND state.session_file = staged.session_file";
            connection.execute(sql, [destination.processor.as_str()]).doing(doing)?;
            clear_failures(connection, destination)
        })
    }

    /// Records failed attempts: the first one of a session creates its record, and each further one is counted.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn record_failures(&self, destination: &Destination, failures: &[FailureRecord]) -> Result<()> {
        let Destination { processor, plugin, .. } = destination;
        in_transaction(&self.connection, "record failed attempts", |connection| {
            failures::record(connection, processor, plugin, failures)
        })
    }

    /// The connection, for other writes that must also take turns.
    pub(crate) fn link(&self) -> &Link {
        &self.connection
    }
}

/// Writes a session within the processor's own transaction, which `execute` began, instead of on the writer's
/// connection.
pub(crate) fn write_in_transaction(connection: &Connection, destination: &Destination, done: &Done) -> Result<()> {
    connection.execute_batch(STAGING).doing("create the staging table")?;
    write(connection, destination, std::slice::from_ref(done))
}

fn write(connection: &Connection, destination: &Destination, group: &[Done]) -> Result<()> {
    stage(connection, group.iter().map(|done| (&done.seen, &done.processed)))?;
    for table in &destination.tables {
        let sql = format!(
            "DELETE FROM {} WHERE session_file IN (SELECT session_file FROM staged_session)",
            quoted(table.name())
        );
        connection
            .execute(&sql, [])
            .doing("delete the earlier rows of the sessions")?;
    }
    append(connection, group)?;
    write_states(connection, destination)?;
    clear_failures(connection, destination)
}

/// Writes the state rows of the staged sessions.
///
/// ON CONFLICT costs four times as much as a plain INSERT, even without a conflict, so it is used only if a row exists.
fn write_states(connection: &Connection, destination: &Destination) -> Result<()> {
    let on_conflict = match staged_with_a_state(connection, destination)? {
        0 => "",
        _ => {
            "ON CONFLICT (processor_name, session_file) DO UPDATE SET
                 username = excluded.username, processed_at = excluded.processed_at,
                 items_extracted = excluded.items_extracted, file_hash = excluded.file_hash,
                 file_size = excluded.file_size, file_mtime = excluded.file_mtime,
                 checked_at = excluded.checked_at, output_version = excluded.output_version,
                 unreadable_lines = excluded.unreadable_lines, unrecognised = excluded.unrecognised"
        }
    };
    let sql = format!(
        "INSERT INTO session_processor_state
             (processor_name, session_file, username, processed_at, items_extracted, file_hash, file_size,
              file_mtime, checked_at, output_version, unreadable_lines, unrecognised)
         SELECT ?, session_file, username, checked_at, items_extracted, file_hash, file_size, file_mtime, checked_at, ?,
                unreadable_lines, unrecognised
         FROM staged_session {on_conflict}"
    );
    let parameters = params![destination.processor.as_str(), destination.plugin.output];
    connection
        .execute(&sql, parameters)
        .map(drop)
        .doing("write the state of the sessions")
}

/// How many of the staged sessions have a state row.
fn staged_with_a_state(connection: &Connection, destination: &Destination) -> Result<i64> {
    let sql = "SELECT system.main.count(*) FROM session_processor_state AS state JOIN staged_session AS staged
               ON state.session_file = staged.session_file WHERE state.processor_name = ?";
    let parameters = params![destination.processor.as_str()];
    connection
        .query_row(sql, parameters, |row| row.get(0))
        .doing("look for the state of the sessions")
}

fn clear_failures(connection: &Connection, destination: &Destination) -> Result<()> {
    let sql = "DELETE FROM session_processor_failure
               WHERE processor_name = ? AND session_file IN (SELECT session_file FROM staged_session)";
    let parameters = params![destination.processor.as_str()];
    connection
        .execute(sql, parameters)
        .map(drop)
        .doing("clear the failures of the sessions")
}

/// After a failed statement DuckDB reports success for COMMIT but rolls back, so the host checks that the rows are
/// there.
pub(crate) fn verify(connection: &Connection, destination: &Destination, group: &[Done]) -> Result<()> {
    let doing = "verify a commit";
    let sql = "SELECT system.main.count(*) FROM session_processor_state AS state JOIN staged_session AS staged
               ON state.session_file = staged.session_file AND state.checked_at = staged.checked_at
               WHERE state.processor_name = ?";
    let parameters = params![destination.processor.as_str()];
    let found: i64 = connection.query_row(sql, parameters, |row| row.get(0)).doing(doing)?;
    let missing = i64::try_from(group.len()).unwrap_or(i64::MAX) - found;
    match missing {
        0 => Ok(()),
        missing => Err(StateError::Lost { doing, missing }),
    }
}

fn stage<'a>(connection: &Connection, sessions: impl Iterator<Item = (&'a Seen, &'a Processed)>) -> Result<()> {
    let doing = "stage the sessions";
    connection.execute_batch("DELETE FROM staged_session").doing(doing)?;
    let sessions: Vec<(&Seen, &Processed)> = sessions.collect();
    let texts = |text: fn(&Seen) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(
            sessions.iter().map(|(seen, _)| text(seen)),
        ))
    };
    let integers = |integer: fn(&Seen, &Processed) -> Option<u64>| -> ArrayRef {
        let values = sessions
            .iter()
            .map(|(seen, processed)| integer(seen, processed).map(|value| i64::try_from(value).unwrap_or(i64::MAX)));
        Arc::new(Int64Array::from_iter(values))
    };
    let times = |time: fn(&Seen) -> Timestamp| -> ArrayRef {
        let values = sessions.iter().map(|(seen, _)| time(seen).as_micros());
        Arc::new(TimestampMicrosecondArray::from_iter_values(values))
    };
    let unrecognised: ArrayRef = Arc::new(BooleanArray::from_iter(sessions.iter().map(|(_, processed)| {
        let is_read = processed.reading.is_some();
        is_read.then(|| processed.is_unrecognised())
    })));
    let columns = [
        ("session_file", texts(|seen| seen.session.as_str())),
        ("username", texts(|seen| &seen.username)),
        ("items_extracted", integers(|_, processed| Some(processed.items_count))),
        ("file_hash", texts(|seen| seen.hash.as_str())),
        ("file_size", integers(|seen, _| Some(seen.size))),
        ("file_mtime", times(|seen| seen.modified)),
        ("checked_at", times(|seen| seen.read_at)),
        (
            "unreadable_lines",
            integers(|_, processed| Some(processed.reading.as_ref()?.unreadable_lines)),
        ),
        ("unrecognised", unrecognised),
    ];
    let mut appender = connection
        .appender_to_catalog_and_db("staged_session", "temp", "main")
        .doing(doing)?;
    appender.append_record_batch(record_batch(columns)?).doing(doing)?;
    appender.flush().doing(doing)
}

fn record_batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    let fields = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    RecordBatch::try_new(schema, arrays).map_err(unfit)
}

fn unfit(error: ArrowError) -> StateError {
    StateError::Batch {
        reason: error.to_string(),
    }
}

/// Appends the rows of a group. Rows of one table with the same columns go into one batch, which is converted faster
/// than a small one for each session.
fn append(connection: &Connection, group: &[Done]) -> Result<()> {
    let doing = "append the rows of the sessions";
    let mut batches: BTreeMap<(&str, Vec<FilledColumn<'_>>), Vec<&RecordBatch>> = BTreeMap::new();
    for rows in group.iter().flat_map(|done| &done.rows).filter(|rows| !rows.is_empty()) {
        let place = (rows.table.name(), rows.columns());
        batches.entry(place).or_default().push(&rows.batch);
    }
    for ((table, columns), batches) in batches {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let batch = concat_batches(batches[0].schema_ref(), batches).map_err(unfit)?;
        let mut appender = connection.appender_with_columns(table, &names).doing(doing)?;
        appender.append_record_batch(batch).doing(doing)?;
        appender.flush().doing(doing)?;
    }
    Ok(())
}
