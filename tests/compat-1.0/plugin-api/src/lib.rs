//! Write a session processor: a plugin that analyses coding-agent transcripts inside `session-host`.
//!
//! A processor is a struct that implements [`SessionProcessor`], in a crate of `crate-type = ["cdylib"]`. This is a whole
//! one; it counts the lines of each session and keeps the count in a table of its own:
//!
//! ```no_run
#![doc = include_str!("../examples/lines.rs")]
//! ```
//!
//! The library that `cargo build --release` makes of it goes into the host's plugins directory. From then on the host
//! hands it every session that it has yet to see, commits what it gives together with the note that the session is done,
//! and tries again what failed.
//!
//! - [`Session`] is one version of one transcript: its bytes, [lines](Session::lines) and [events](Session::events).
//! - [`Connection`] is the database: [`replace`](Connection::replace) for rows of this session, [`execute`](Connection::execute)
//!   and [`query`](Connection::query) for what spans sessions.
//! - [`row!`] declares the rows of a table, [`Migration`] makes the table.
//! - [`log`] writes to the host's log.
//!
//! A returned error or a panic costs that attempt alone. A plugin must be compiled with `panic = "unwind"`, the default.

pub mod abi;
mod connection;
mod descriptor;
mod error;
pub mod export;
mod lines;
pub mod log;
pub mod prelude;
mod processor;
mod reader;
mod records;
mod rows;
mod run_id;
mod session;
mod tally;
mod timestamp;
pub mod transcript;

pub use connection::{Connection, Parameter};
pub use descriptor::{Concurrency, Descriptor, Migration};
pub use error::{Error, Result};
pub use lines::{Line, LineEnding, MalformedLine};
pub use processor::{Configuration, ProcessorResult, SessionProcessor};
pub use records::{ColumnKey, FromColumn, Record, Records};
pub use rows::{ColumnBuffer, Row, Value};
pub use run_id::RunId;
pub use session::Session;
pub use timestamp::Timestamp;
