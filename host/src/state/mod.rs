//! The state: the records of each session, the rows of the processors, and the database that holds both.
//!
//! The state is in one DuckDB file, which one process at a time has open, or in a PostgreSQL database, which hosts share.
//! Nothing outside this module names DuckDB's types, the host's tables, or SQL of its own. The host uses the methods of
//! [`State`], which are together in `interface.rs`, and those of the types that they return:
//!
//! - [`State`]: opens the database, prepares the tables of processors, knows which sessions are processed, begins attempts,
//!   keeps the audit log, forgets, and reopens itself after a fault.
//! - [`Writer`]: commits groups of sessions, each session's rows together with its state row, and verifies the commits.
//! - [`Transaction`]: the SQL of one attempt, and its commit.
//! - [`Reader`]: lists, queries that people write, exports.
//!
//! `backend.rs` tells the two apart.
//!
//! # The folders
//! Each builds only on those above it:
//!
//! - `error`, `database_error`, `trouble`, `conflict`: what goes wrong, and what to do about it.
//! - `engine`: DuckDB itself, and how it reaches PostgreSQL's tables.
//! - `judge`: what a statement of somebody else does.
//! - `rows`: converts rows between plugins and tables.
//! - `records`: the rows of the host's own tables.
//! - `schema`: the tables, and who owns which.
//! - `commit`: writes rows.
//! - `duckdb_file`: the state in one file, the files beside it, and how it recovers.
//! - `postgres`: the state in a database that hosts share.
//! - `query`: reads rows.
//! - `forget`: forgetting and purging.
//! - `transfer`: copies a state from a file to PostgreSQL, and back.

mod ailment;
mod backend;
mod commit;
mod conflict;
mod database_error;
mod duckdb_file;
mod engine;
mod error;
mod forget;
mod interface;
mod judge;
mod postgres;
mod query;
mod records;
mod rows;
mod schema;
mod transfer;
mod trouble;

pub use ailment::Ailment;
pub(crate) use commit::guard::Guard;
pub use commit::{
    before::{Before, Recorded},
    destination::{Destination, Encounters},
    executed::Executed,
    reference::ReferenceRows,
    rules::{Forbidden, StatementRules},
    session::{Done, Seen},
    transaction::{AttemptTurn, StateRow, Transaction},
    transaction_error::{NotTaken, TransactionError},
    writer::{CommitError, Writer},
};
pub use conflict::{Conflict, Conflicts, Judged};
pub use database_error::DatabaseError;
pub use duckdb_file::file::disk::{Obstacle, StateFiles};
pub use duckdb_file::open::recovery::Mended;
pub use engine::{export::export_file, interrupt::Interrupt};
pub use error::{ExtensionMissing, Result, StateError};
pub use forget::{
    deletion::{Forgetting, Forgotten, ToForget},
    purge::{PurgeWish, Purged},
};
pub use interface::State;
pub use judge::{plan::ObjectKind, refused::StatementRefused};
pub use postgres::{
    asking::Fired,
    fence::{LastForgotten, Leases},
};
pub use query::{
    ask::{QueryAnswer, QueryError, QueryLimits},
    one_session::{FoundAtLine, FoundInSession, ResponseCost, ResponseKey, StoredByProcessor, StoredRows},
    reader::{Reader, TableContents},
    report::{ReportAnswer, ReportParameters, ReportQuery},
    report_check::ReportRejected,
    search::{FoundText, FoundTexts, SearchQuery, TextPlace},
    session_list::{FigureRows, ListedSession},
    tables::{DescribedColumn, DescribedTable},
};
pub(crate) use records::audit::RUN;
pub use records::{
    alerts::{AlertChanges, AlertKind, AlertRecord, KnownSecrets, RecordedAlerts},
    attempts::{FailedAttempts, OutputVersion, ProcessedVersion, SessionAttempts},
    audit::{Actor, AuditEntry, AuditRecord, Outcome},
    audit_entries::AuditFilter,
    causes::{FailureCause, by_cause, of_the_same_cause},
    failures::{
        AllFailed, FailingSession, Failure, FailureChange, FailureKind, FailureRecord, FileLook, PluginVersion,
        is_quarantined,
    },
    pauses::{Pause, Pauses},
    reprocessing::{Marked, ReprocessFilter},
    sessions::{Checked, EarlierVersion, ProcessorStatus, SessionState},
};
pub use rows::{batch::PendingRows, refused::RowsRefused, result_columns::ColumnError, table::FilledTable};
pub use schema::{
    owners::ForeignTable,
    processor::DeclaredTables,
    refused::{SchemaRefused, TableKind},
};
pub use transfer::{CopiedTable, CopyError, Told, copy_state};
pub use trouble::Trouble;

/// The version of DuckDB that the crate is built for.
pub const DUCKDB: &str = "1.5.5";
