//! What a line of a transcript can tell the probe to do.

use std::path::PathBuf;

use serde::Deserialize;

use crate::ending::HostEnd;

/// One thing to do.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Gives rows to `replace`, numbered `n` = `first`, `first` + 1, ...; a negative `n` or a `text` that is null breaks
    /// a constraint of `NAME_rows`.
    Rows {
        /// `NAME_rows` where it is not told.
        table: Option<String>,
        /// How many.
        count: i64,
        /// The first number.
        #[serde(default)]
        first: i64,
        /// What each says.
        #[serde(default = "some_text")]
        text: Option<String>,
    },
    /// Returns an error.
    Error {
        /// What it says.
        message: String,
    },
    /// Leaves the session for a later run.
    NotNow {
        /// Why.
        reason: String,
    },
    /// Panics.
    Panic {
        /// With what.
        payload: Payload,
    },
    /// Lets a thread of its own panic, and goes on.
    ThreadPanics,
    /// Runs a statement.
    Execute {
        /// The statement.
        sql: String,
        /// Whether its error is passed over.
        #[serde(default)]
        swallow: bool,
    },
    /// Runs a query, and gives a row for each of its rows: `n` is the first column, an integer.
    Query {
        /// The query.
        sql: String,
        /// Whether its error is passed over.
        #[serde(default)]
        swallow: bool,
    },
    /// Gives a row to `NAME_rows` whose `text` is the run's identity.
    TellRun,
    /// Leaves a row in `NAME_totals` that tells how long the transcript is, if there is none yet.
    TellLength,
    /// Gives a row to `NAME_rows` whose `n` is the number of seconds until the deadline, rounded down.
    TellDeadline,
    /// Waits until the host wants the attempt to stop, then leaves the session for a later run.
    GiveUpWhenCancelled,
    /// Never returns.
    Hang,
    /// Ends the process.
    Exit {
        /// With this status.
        status: i32,
    },
    /// Ends the process in another way.
    EndHost {
        /// How.
        by: HostEnd,
    },
    /// Runs a query that never ends.
    HangInQuery,
    /// Writes to the host's log.
    Log {
        /// `error`, `warn`, `info`, `debug` or `trace`.
        level: String,
        /// What it says.
        message: String,
    },
    /// Writes an event of the plugin's own `tracing`, with a field, at level `warn`.
    Event {
        /// What it says.
        message: String,
        /// The field `number`.
        number: i64,
    },
    /// Makes an empty file.
    Touch {
        /// Its path.
        path: PathBuf,
    },
    /// Adds the session's key to a file, as a line.
    TellCall {
        /// Its path.
        path: PathBuf,
    },
    /// Waits until a file is there.
    WaitForFile {
        /// Its path.
        path: PathBuf,
    },
    /// Does something, unless a file is there.
    Unless {
        /// The file's path.
        path: PathBuf,
        /// What is done.
        then: Box<Self>,
    },
}

/// What a panic carries.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// A `&'static str`.
    Str,
    /// A `String`.
    String,
    /// A value whose own `Drop` panics.
    DropPanics,
    /// A `&'static str` by `resume_unwind`, past every hook.
    ResumeUnwind,
    /// A number.
    Other,
}

#[allow(clippy::unnecessary_wraps, reason = "serde asks for the field's type")]
fn some_text() -> Option<String> {
    Some("text".to_owned())
}
