//! How fast rows go from a plugin into the database, beside DuckDB's own appender without a border in between.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use duckdb::Connection;
use duckdb::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use duckdb::types::{TimeUnit, Value};

use crate::programs::Host;
use crate::series::Series;

const SESSIONS: i64 = 8;
const ROWS_A_SESSION: i64 = 100_000;
const ROWS: i64 = SESSIONS * ROWS_A_SESSION;
/// One row at a time is so slow that fewer of them tell enough.
const ROWS_ONE_BY_ONE: i64 = ROWS / 8;
const TABLE: &str =
    "CREATE TABLE wide_rows (session_file VARCHAR, number BIGINT, word VARCHAR, share DOUBLE, occurred_at TIMESTAMP)";

/// The rows of the plugin `wide`, through the host and straight into a file, in turns.
pub(crate) fn compare(host: &Host, repetitions: u32) -> Result<()> {
    let sessions = host.scratch.with_extension("wide");
    write_sessions(&sessions)?;
    let mut through_host = Series::default();
    let mut as_batches = Series::default();
    let mut one_by_one = Series::default();
    for _ in 0..repetitions {
        host.forget()?;
        through_host.add(ROWS as f64 / 1e3 / host.run_processor("wide", &sessions)?.1.seconds());
        as_batches.add(thousands_a_second(&host.scratch, ROWS, append_batches)?);
        one_by_one.add(thousands_a_second(&host.scratch, ROWS_ONE_BY_ONE, append_one_by_one)?);
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nRows of a plugin: {SESSIONS} sessions, {ROWS_A_SESSION} rows of 5 columns each"
    )?;
    writeln!(out, "  plugin to host to database      {}", through_host.show("k/s"))?;
    writeln!(out, "  Arrow batches, no ABI boundary  {}", as_batches.show("k/s"))?;
    writeln!(out, "  row appender, no ABI boundary   {}", one_by_one.show("k/s"))?;
    Ok(())
}

fn write_sessions(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("alice"))?;
    for session in 0..SESSIONS {
        let transcript = format!("{{\"rows\":{ROWS_A_SESSION}}}\n");
        fs::write(folder.join(format!("alice/{session}.jsonl")), transcript)?;
    }
    Ok(())
}

fn thousands_a_second(folder: &Path, rows: i64, append: fn(&Connection, i64) -> Result<()>) -> Result<f64> {
    let file = folder.join("direct.duckdb");
    let connection = Connection::open(&file)?;
    connection.execute_batch(TABLE)?;
    let begin = Instant::now();
    append(&connection, rows)?;
    let seconds = begin.elapsed().as_secs_f64();
    drop(connection);
    fs::remove_file(file)?;
    Ok(rows as f64 / 1e3 / seconds)
}

fn append_batches(connection: &Connection, rows: i64) -> Result<()> {
    connection.execute_batch("BEGIN")?;
    let mut appender = connection.appender("wide_rows")?;
    for start in (0..rows).step_by(ROWS_A_SESSION as usize) {
        let numbers = || start..start + ROWS_A_SESSION;
        let columns: [(&str, ArrayRef); 5] = [
            (
                "session_file",
                Arc::new(StringArray::from_iter_values(numbers().map(|_| "alice/0.jsonl"))),
            ),
            ("number", Arc::new(Int64Array::from_iter_values(numbers()))),
            (
                "word",
                Arc::new(StringArray::from_iter_values(numbers().map(|_| "Bash"))),
            ),
            (
                "share",
                Arc::new(Float64Array::from_iter(
                    numbers().map(|number| Some(number as f64 / 3.0)),
                )),
            ),
            (
                "occurred_at",
                Arc::new(TimestampMicrosecondArray::from_iter_values(numbers())),
            ),
        ];
        appender.append_record_batch(RecordBatch::try_from_iter(columns)?)?;
    }
    appender.flush()?;
    Ok(connection.execute_batch("COMMIT")?)
}

fn append_one_by_one(connection: &Connection, rows: i64) -> Result<()> {
    connection.execute_batch("BEGIN")?;
    let mut appender = connection.appender("wide_rows")?;
    for number in 0..rows {
        let occurred_at = Value::Timestamp(TimeUnit::Microsecond, number);
        appender.append_row(duckdb::params![
            "alice/0.jsonl",
            number,
            "Bash",
            number as f64 / 3.0,
            occurred_at
        ])?;
    }
    appender.flush()?;
    Ok(connection.execute_batch("COMMIT")?)
}
