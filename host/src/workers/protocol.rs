//! What host and worker say to each other.
//!
//! Both sides are the same program, so the messages have no versions. The host still trusts nothing that a worker says: the
//! worker runs the code of a plugin. Columns pass through the checks of [`abi_checks`](crate::abi_checks), like those of a plugin
//! in the host.

use std::borrow::Cow;

use abi_stable::std_types::{RSlice, RStr};
use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;
use session_plugin_api::abi::RawColumn;

use super::{limits::AppliedLimits, numbers};
use crate::column::Column;

/// What the host asks of a worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Open the library. Its file follows, then the buffer for rows.
    Open(Opening<'a>),
    /// Construct the processor.
    Construct,
    /// Describe the processor.
    Describe,
    /// Take the processor's section of the configuration, a JSON object.
    Configure(&'a str),
    /// Give the rows of all reference tables.
    ReferenceRows,
    /// Process a session. The file of the memory follows if it is a new one.
    Attempt(AttemptHeader<'a>),
    /// The answer to a [`Report`] that asked for something: the number of rows, or a fault as JSON bytes.
    #[serde(borrow)]
    Answer(Result<u64, &'a Bytes>),
    /// Rows of a query, before its answer.
    #[serde(borrow)]
    Rows(Vec<WireColumn<'a>>),
    /// Drop the processor and exit.
    End,
}

/// What a worker opens, and the limits within which it does so.
#[derive(Debug, Serialize, Deserialize)]
pub struct Opening<'a> {
    /// The name of the plugin's file, for log lines.
    pub file: &'a str,
    /// The path of the private copy.
    pub path: &'a str,
    /// The minor version of the interface that the library was built with.
    pub api_minor: u32,
    /// The compiler that built it.
    pub compiler: &'a str,
    /// The most detailed level of log records that the host keeps.
    pub log_level: u8,
    /// What the worker may use.
    pub limits: AppliedLimits,
}

/// A method of a processor that is called for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// The processing of the session.
    ProcessSession,
    /// The hook for a session that another version replaces.
    Replaced,
    /// The hook for a session that is forgotten.
    Forgotten,
}

/// What a processor is told about an attempt, beside the transcript.
#[derive(Debug, Serialize, Deserialize)]
pub struct AttemptHeader<'a> {
    /// What is called.
    pub method: Method,
    /// The path of the transcript, as the operating system's bytes.
    #[serde(borrow)]
    pub path: &'a Bytes,
    /// The user.
    pub username: &'a str,
    /// The session.
    pub session: &'a str,
    /// When the transcript was last written, in microseconds since the epoch.
    pub modified: i64,
    /// The MD5 of the file.
    pub hash: &'a str,
    /// The number of the run.
    pub run: u64,
    /// Where in the memory the transcript begins, in bytes.
    pub start: u64,
    /// How large the transcript is, in bytes.
    pub size: u64,
    /// Whether the memory is a new one.
    pub is_in_new_memory: bool,
    /// The time until the host ends the attempt, in nanoseconds.
    pub time_left: u64,
    /// The processor's session tables with their columns, JSON bytes, for the worker's first attempt.
    #[serde(borrow)]
    pub tables: Option<&'a Bytes>,
}

/// What a worker tells the host.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report<'a> {
    /// A request has ended: the plugin's answer, JSON bytes.
    #[serde(borrow)]
    Done(&'a Bytes),
    /// The processor replaced rows that fit its tables: the buffer for rows holds this many bytes of [`WireRows`]. Nothing
    /// answers.
    Replaced(u64),
    /// The processor replaces rows, and the worker does not know whether the last of them fit: the buffer for rows holds this
    /// many bytes of [`WireRows`].
    Replace(u64),
    /// The processor runs a statement.
    Execute {
        /// The statement.
        sql: &'a str,
        /// Its parameters.
        #[serde(borrow)]
        parameters: Vec<WireColumn<'a>>,
    },
    /// The processor runs a query.
    Query {
        /// The query.
        sql: &'a str,
        /// Its parameters.
        #[serde(borrow)]
        parameters: Vec<WireColumn<'a>>,
    },
    /// Whether the processor took the last rows of its query, and wants more.
    Taken(bool),
    /// The data that the processor passed is malformed: the attempt fails.
    Malformed(&'a str),
    /// The processor asks how long the attempt may continue, in nanoseconds.
    TimeLeft,
    /// The processor asks whether the attempt should stop: 1 or 0.
    IsCancelled,
    /// A log record of the plugin.
    Log {
        /// Its level.
        level: u8,
        /// The module.
        target: &'a str,
        /// `file:line`, or nothing.
        place: &'a str,
        /// The message.
        message: &'a str,
    },
}

/// Rows for one table.
#[derive(Debug, Serialize, Deserialize)]
pub struct WireRows<'a> {
    /// The table.
    pub table: &'a str,
    /// The rows.
    #[serde(borrow)]
    pub columns: Vec<WireColumn<'a>>,
}

/// A column in a message.
#[derive(Debug, Serialize, Deserialize)]
pub struct WireColumn<'a> {
    name: &'a str,
    kind: u8,
    rows: usize,
    #[serde(borrow)]
    validity: &'a Bytes,
    #[serde(borrow, with = "numbers")]
    integers: Cow<'a, [i64]>,
    #[serde(borrow, with = "numbers")]
    floats: Cow<'a, [f64]>,
    #[serde(borrow)]
    bytes: &'a Bytes,
    #[serde(borrow, with = "numbers")]
    offsets: Cow<'a, [i32]>,
}

impl<'a> WireColumn<'a> {
    /// Makes columns ready for a message.
    #[must_use]
    pub fn of(columns: &'a [Column<'a>]) -> Vec<Self> {
        let of_one = |column: &'a Column<'a>| Self {
            name: column.name,
            kind: column.kind as u8,
            rows: column.rows,
            validity: Bytes::new(column.validity),
            integers: Cow::Borrowed(column.integers),
            floats: Cow::Borrowed(column.floats),
            bytes: Bytes::new(column.bytes),
            offsets: Cow::Borrowed(column.offsets),
        };
        columns.iter().map(of_one).collect()
    }

    /// The columns as a plugin would pass them, still to be checked.
    #[must_use]
    pub fn unchecked(columns: &'a [Self]) -> Vec<RawColumn<'a>> {
        let of_one = |column: &'a Self| RawColumn {
            name: RStr::from_str(column.name),
            kind: column.kind,
            rows: column.rows,
            validity: RSlice::from_slice(column.validity),
            integers: RSlice::from_slice(&column.integers),
            floats: RSlice::from_slice(&column.floats),
            bytes: RSlice::from_slice(column.bytes),
            offsets: RSlice::from_slice(&column.offsets),
        };
        columns.iter().map(of_one).collect()
    }
}
