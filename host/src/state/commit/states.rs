//! The state rows of sessions.
//!
//! A session of which the state holds nothing is only appended. The others are staged in a temporary table first, with
//! which the host then removes their earlier rows and their failures, and replaces their state rows.

use std::sync::Arc;

use duckdb::{
    Connection,
    arrow::{
        array::{ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
        datatypes::{Field, Schema},
    },
    params,
};
use session_plugin_api::{Timestamp, abi::message::Processed};

use crate::state::{
    commit::{destination::Destination, rows::unfit, session::Seen},
    engine::{
        attached::{self, SCHEMA, list},
        instance::Link,
        sql::text,
    },
    error::{Doing, Result},
    schema::host_tables::{SESSION_FAILURE, SESSION_STATE},
};

/// A session with the counts of its processor.
pub(super) type Counted<'a> = (&'a Seen, &'a Processed);

/// Creates the temporary table that the sessions are staged in.
pub(super) fn create_staging(connection: &Connection) -> Result<()> {
    let sql = "CREATE TEMP TABLE IF NOT EXISTS staged_session (
                   session_file VARCHAR, username VARCHAR, items_extracted BIGINT, file_hash VARCHAR, file_size BIGINT,
                   file_mtime TIMESTAMP, checked_at TIMESTAMP, unreadable_lines BIGINT, unrecognised BOOLEAN)";
    connection.execute_batch(sql).doing("create the staging table")
}

/// Stages these sessions instead of all earlier ones.
pub(super) fn stage(connection: &Connection, sessions: &[Counted<'_>]) -> Result<()> {
    let doing = "stage the sessions";
    connection.execute_batch("DELETE FROM staged_session").doing(doing)?;
    let mut appender = connection
        .appender_to_catalog_and_db("staged_session", "temp", "main")
        .doing(doing)?;
    let batch = record_batch(columns_of(sessions).into())?;
    appender.append_record_batch(batch).doing(doing)?;
    appender.flush().doing(doing)
}

/// Appends the state rows of sessions that have none.
pub(super) fn append(connection: &Connection, destination: &Destination, sessions: &[Counted<'_>]) -> Result<()> {
    let doing = "append the state of the sessions";
    let names = StringArray::from_iter_values(sessions.iter().map(|_| destination.processor.as_str()));
    let version = i32::try_from(destination.plugin.output).unwrap_or(i32::MAX);
    let versions = Int32Array::from_value(version, sessions.len());
    let mut columns = Vec::from(columns_of(sessions));
    let processed_at = columns.iter().find(|(name, _)| *name == "checked_at");
    columns.extend(processed_at.map(|(_, times)| ("processed_at", Arc::clone(times))));
    columns.push(("processor_name", Arc::new(names)));
    columns.push(("output_version", Arc::new(versions)));
    let columns_filled: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut appender = connection
        .appender_with_columns(SESSION_STATE, &columns_filled)
        .doing(doing)?;
    appender.append_record_batch(record_batch(columns)?).doing(doing)?;
    appender.flush().doing(doing)
}

/// Writes the state rows of the staged sessions, which may have some already.
pub(super) fn replace_staged(connection: &Connection, destination: &Destination) -> Result<()> {
    let sql = "INSERT INTO session_processor_state
                   (processor_name, session_file, username, processed_at, items_extracted, file_hash, file_size,
                    file_mtime, checked_at, output_version, unreadable_lines, unrecognised)
               SELECT ?, session_file, username, checked_at, items_extracted, file_hash, file_size, file_mtime,
                      checked_at, ?, unreadable_lines, unrecognised
               FROM staged_session
               ON CONFLICT (processor_name, session_file) DO UPDATE SET
                   username = excluded.username, processed_at = excluded.processed_at,
                   items_extracted = excluded.items_extracted, file_hash = excluded.file_hash,
                   file_size = excluded.file_size, file_mtime = excluded.file_mtime,
                   checked_at = excluded.checked_at, output_version = excluded.output_version,
                   unreadable_lines = excluded.unreadable_lines, unrecognised = excluded.unrecognised";
    let parameters = params![destination.processor.as_str(), destination.plugin.output];
    connection
        .execute(sql, parameters)
        .map(drop)
        .doing("write the state of the sessions")
}

/// Records that the staged sessions, which are these, were read again and have not changed.
pub(super) fn refresh_staged(link: &Link, destination: &Destination, sessions: &[Counted<'_>]) -> Result<()> {
    let doing = "refresh unchanged sessions";
    if link.is_attached() {
        return attached::execute(link, doing, &refreshing(destination, sessions));
    }
    let sql = "UPDATE session_processor_state AS state
               SET username = staged.username, file_size = staged.file_size, file_mtime = staged.file_mtime,
                   checked_at = staged.checked_at
               FROM staged_session AS staged
               WHERE state.processor_name = ? AND state.session_file = staged.session_file";
    link.execute(sql, [destination.processor.as_str()])
        .map(drop)
        .doing(doing)
}

/// The statement of PostgreSQL's own that does the same.
fn refreshing(destination: &Destination, sessions: &[Counted<'_>]) -> String {
    let time = |time: Timestamp| format!("timestamp 'epoch' + {} * interval '1 microsecond'", time.as_micros());
    let rows = sessions.iter().map(|(seen, _)| {
        let (session, username) = (text(seen.session.as_str()), text(&seen.username));
        let (modified, checked) = (time(seen.modified), time(seen.read_at));
        format!("({session}, {username}, {}, {modified}, {checked})", seen.size)
    });
    format!(
        "UPDATE {SCHEMA}.{SESSION_STATE} AS state
         SET username = staged.username, file_size = staged.size, file_mtime = staged.modified, checked_at = staged.checked
         FROM (VALUES {}) AS staged (session, username, size, modified, checked)
         WHERE state.processor_name = {} AND state.session_file = staged.session",
        rows.collect::<Vec<_>>().join(", "),
        text(destination.processor.as_str())
    )
}

/// Removes the failures of the staged sessions, which are these.
pub(super) fn clear_failures_of_staged(link: &Link, destination: &Destination, sessions: &[Counted<'_>]) -> Result<()> {
    let doing = "clear the failures of the sessions";
    let processor = destination.processor.as_str();
    if link.is_attached() {
        let keys = list(sessions.iter().map(|(seen, _)| seen.session.as_str()));
        let of_these = format!("processor_name = {} AND session_file IN {keys}", text(processor));
        return attached::execute(
            link,
            doing,
            &format!("DELETE FROM {SCHEMA}.{SESSION_FAILURE} WHERE {of_these}"),
        );
    }
    let sql = "DELETE FROM session_processor_failure
               WHERE processor_name = ? AND session_file IN (SELECT session_file FROM staged_session)";
    link.execute(sql, [processor]).map(drop).doing(doing)
}

/// The columns of the staging table, in its order.
fn columns_of(sessions: &[Counted<'_>]) -> [(&'static str, ArrayRef); 9] {
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
    [
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
    ]
}

fn record_batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let fields = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(schema, arrays).map_err(unfit)
}
