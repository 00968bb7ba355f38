//! The interface of `session-host` for plugin authors: write a processor that analyses the transcripts of coding agents.
//!
//! A processor is a struct that implements [`SessionProcessor`], in a crate of `crate-type = ["cdylib"]`. This one is
//! complete. It counts the lines of each session and stores the count in its own table:
//!
//! ```no_run
#![doc = include_str!("../examples/lines.rs")]
//! ```
//!
//! Build it with `cargo build --release` and put the library into the host's plugins directory. The host then passes it each
//! version of each session once. It commits the rows of a session together with the session's state row, and tries failed
//! sessions again. An error or a panic fails only the attempt in which it occurs.
//!
//! Where to go from here:
//!
//! - [`Session`] is one version of one transcript: its bytes, [lines](Session::lines) and [events](Session::events).
//!   [`transcript`] explains what an event holds.
//! - [`Connection`] writes to the database: [`replace`](Connection::replace) for rows of this session,
//!   [`execute`](Connection::execute) and [`query`](Connection::query) for work that spans sessions.
//! - [`row!`] declares the rows of a table; a [`Migration`] creates the table.
//! - [`SessionHooks`] takes back what `execute` wrote for a session that has changed or is forgotten.
//! - [`ReferenceTables`] takes rows that belong to no session and come with the plugin, such as a price list.
//! - [`Report`] is a SELECT on the processor's tables that people run by name.
//! - [`Configuration`] is the processor's section of the host's configuration.
//! - [`Error`] says why an attempt failed, or that it must [wait](Error::not_now).
//! - [`log`] writes to the host's log.
//!
//! A plugin must be compiled with `panic = "unwind"`, the default: the host rejects others.

pub mod abi;
mod cancellation;
mod connection;
mod descriptor;
mod error;
pub mod export;
mod hex;
mod hooks;
mod json_key;
mod lines;
pub mod log;
mod panic_text;
pub mod prelude;
mod processor;
mod reader;
mod records;
mod reference;
mod report;
mod rows;
mod run_id;
mod session;
mod tally;
mod timestamp;
pub mod transcript;

pub use connection::{Connection, Parameter};
pub use descriptor::{Concurrency, Descriptor, Migration};
pub use error::{Error, Result};
pub use hex::hex;
pub use hooks::{ProcessedSession, SessionHooks};
pub use lines::{Line, LineEnding, MalformedLine};
pub use panic_text::panic_text;
pub use processor::{Configuration, ProcessorResult, SessionProcessor};
pub use records::{ColumnKey, FromColumn, Record, Records};
pub use reference::ReferenceTables;
pub use report::{Chart, ChartKind, Order, Report, ReportColumn, Unit};
pub use rows::{ColumnBuffer, Row, Value};
pub use run_id::RunId;
pub use session::Session;
pub use timestamp::Timestamp;
