//! Transcripts for the probe, and what its runs counted.

use serde_json::{Value, json};
use session_host_tests::{Ran, RunResult};

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

/// What a run counted, without what depends on time and size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) scanned: u64,
    pub(crate) processed: u64,
    pub(crate) skipped: u64,
    pub(crate) capped: u64,
    pub(crate) errors: u64,
}

/// A run that looked at nothing.
pub(crate) const NOTHING: Counts = Counts {
    scanned: 0,
    processed: 0,
    skipped: 0,
    capped: 0,
    errors: 0,
};

/// A run that processed all that it looked at.
pub(crate) const fn processed(sessions: u64) -> Counts {
    Counts {
        scanned: sessions,
        processed: sessions,
        ..NOTHING
    }
}

/// A run that found all that it looked at unchanged.
pub(crate) const fn skipped(sessions: u64) -> Counts {
    Counts {
        scanned: sessions,
        skipped: sessions,
        ..NOTHING
    }
}

/// A run in which all that it looked at failed.
pub(crate) const fn failed(sessions: u64) -> Counts {
    Counts {
        scanned: sessions,
        errors: sessions,
        ..NOTHING
    }
}

/// What the one run of a command counted.
#[track_caller]
pub(crate) fn counts(ran: &Ran) -> Counts {
    let RunResult {
        scanned,
        processed,
        skipped,
        capped,
        errors,
        ..
    } = *ran.result();
    Counts {
        scanned,
        processed,
        skipped,
        capped,
        errors,
    }
}
