//! The state: what is recorded of each session, the rows of the processors, and the file that holds both.
//!
//! The host keeps its state in one DuckDB file, which one process at a time has open. Nothing outside this module names
//! DuckDB's types, the host's tables, or SQL of its own: what the host asks of its state are the methods of [`State`], which
//! stand together in `interface.rs`, and those of what it gives:
//!
//! - [`State`]: opens the file, prepares the tables of processors, tells which sessions are done, begins attempts, keeps the
//!   audit log, forgets, and opens itself anew after a fault of its disk.
//! - [`Writer`]: commits groups of sessions, each session's rows together with its state row, and looks whether they are
//!   there.
//! - [`Transaction`]: the SQL of one attempt, and its commit.
//! - [`Reader`]: lists, queries that people write, exports.
//!
//! A second backend answers the same calls. There is no trait for that before there are two.
//!
//! # The folders
//! Each builds on those above it only:
//!
//! - `error`, `database_error`, `trouble`: what goes wrong, and what to do about it.
//! - `engine`: DuckDB itself.
//! - `file`: the state file as a file, and what lies beside it.
//! - `judge`: what a statement does that someone else wrote.
//! - `rows`: rows on their way between plugins and tables.
//! - `records`: the rows of the host's own tables.
//! - `schema`: the tables, and who owns which.
//! - `commit`: what writes rows.
//! - `query`: what reads them.
//! - `open`: the open file, and how it recovers.
//! - `forget`: forgetting and purging.

mod commit;
mod database_error;
mod engine;
mod error;
mod file;
mod forget;
mod interface;
mod judge;
mod open;
mod query;
mod records;
mod rows;
mod schema;
mod trouble;

pub use commit::{
    reference::ReferenceRows,
    rules::{Forbidden, StatementRules},
    transaction::{NotTaken, Transaction, TransactionError},
    writer::{CommitError, Destination, Done, Seen, Writer},
};
pub use database_error::DatabaseError;
pub use engine::interrupt::Interrupt;
pub use error::{Result, StateError};
pub use file::disk::{Obstacle, StateFiles};
pub use forget::{
    purge::{PurgeWish, Purged},
    subject::Forgotten,
};
pub use interface::State;
pub use judge::{plan::ObjectKind, refused::StatementRefused};
pub use open::{ailment::Ailment, recovery::Mended};
pub use query::{
    ask::{QueryAnswer, QueryError, QueryLimits},
    export::export_file,
    reader::{Reader, TableContents},
};
pub(crate) use records::audit::RUN;
pub use records::{
    audit::{Actor, AuditEntry, AuditRecord, Outcome},
    causes::{FailureCause, by_cause},
    failures::{AllFailed, Failure, FailureKind, FailureRecord},
    sessions::{Checked, ProcessorStatus, SessionState},
};
pub use rows::{
    batch::{PendingRows, RowsRefused},
    columns::ColumnError,
    table::FilledTable,
};
pub use schema::{
    owners::ForeignTable,
    processor::DeclaredTables,
    refused::{SchemaRefused, TableKind},
};
pub use trouble::Trouble;
