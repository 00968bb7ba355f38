//! Transcripts for the probe, and what its runs leave and count.

use std::ops::Add;

use serde_json::{Value, json};
use session_host_tests::{Ran, World};

/// A transcript of these steps, one a line.
pub(crate) fn script(steps: &[Value]) -> String {
    steps.iter().map(|step| format!("{step}\n")).collect()
}

/// A transcript that gives so many rows.
pub(crate) fn rows(count: u64) -> String {
    script(&[json!({"do": "rows", "count": count})])
}

/// A transcript that fails with this message.
pub(crate) fn error(message: &str) -> String {
    script(&[json!({"do": "error", "message": message})])
}

/// A step that runs a statement.
pub(crate) fn execute(sql: &str) -> Value {
    json!({"do": "execute", "sql": sql})
}

/// The keys of the sessions that were processed.
#[track_caller]
pub(crate) fn processed_sessions(world: &World) -> Vec<String> {
    let sql = "SELECT session_file FROM session_processor_state ORDER BY session_file";
    let text = |row: &Value| row["session_file"].as_str().unwrap().to_owned();
    world.rows(sql).iter().map(text).collect()
}

/// What processors wrote, and these columns of the state rows.
#[track_caller]
pub(crate) fn contents(world: &World, columns: &str) -> Vec<Vec<Value>> {
    [
        "SELECT session_file, username, n, text FROM probe_rows ORDER BY ALL",
        "SELECT session_file, username, n, text FROM probe_notes ORDER BY ALL",
        "SELECT * FROM probe_totals ORDER BY ALL",
        &format!("SELECT {columns} FROM session_processor_state ORDER BY ALL"),
        "SELECT * FROM session_processor_failure",
    ]
    .map(|sql| world.rows(sql))
    .to_vec()
}

/// What a run counted, without what depends on time and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    scanned: u64,
    processed: u64,
    skipped: u64,
    capped: u64,
    errors: u64,
}

/// A run that looked at nothing.
pub(crate) const NOTHING: Counts = looked_at([0; 4]);

/// A run that processed all that it looked at.
pub(crate) const fn processed(sessions: u64) -> Counts {
    looked_at([sessions, 0, 0, 0])
}

/// A run that found all that it looked at unchanged.
pub(crate) const fn skipped(sessions: u64) -> Counts {
    looked_at([0, sessions, 0, 0])
}

/// A run that left all that it looked at for the next one.
pub(crate) const fn capped(sessions: u64) -> Counts {
    looked_at([0, 0, sessions, 0])
}

/// A run in which all that it looked at failed.
pub(crate) const fn failed(sessions: u64) -> Counts {
    looked_at([0, 0, 0, sessions])
}

/// A run that looked at so many sessions as it processed, skipped, left and failed with.
const fn looked_at([processed, skipped, capped, errors]: [u64; 4]) -> Counts {
    Counts {
        scanned: processed + skipped + capped + errors,
        processed,
        skipped,
        capped,
        errors,
    }
}

/// A run for some of whose sessions this came, and for the others that.
impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            scanned: self.scanned + other.scanned,
            processed: self.processed + other.processed,
            skipped: self.skipped + other.skipped,
            capped: self.capped + other.capped,
            errors: self.errors + other.errors,
        }
    }
}

/// What the one run of a command counted.
#[track_caller]
pub(crate) fn counts(ran: &Ran) -> Counts {
    let result = ran.result();
    Counts {
        scanned: result.scanned,
        processed: result.processed,
        skipped: result.skipped,
        capped: result.capped,
        errors: result.errors,
    }
}
