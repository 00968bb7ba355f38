//! The DuckDB state: schema, writer and queries.

mod audit;
mod batch;
mod checkpoint;
mod columns;
mod error;
mod failures;
mod forget;
mod migration;
mod open;
mod owners;
mod processor_schema;
mod query;
mod schema;
mod sessions;
mod statement;
mod table;
mod transaction;
mod writer;

pub use audit::{Actor, AuditEntry, AuditRecord, Outcome};
pub use batch::{PendingRows, RowsRefused};
pub use error::{Result, StateError};
pub use failures::{Failure, FailureKind, FailureRecord};
pub use forget::Forgotten;
pub use open::State;
pub use owners::Owners;
pub use processor_schema::{SchemaRefused, prepare_processor};
pub use query::{QueryAnswer, QueryError, QueryLimits, Reader, Rendering};
pub use sessions::{ProcessorStatus, SessionState};
pub use statement::{StatementRefused, check_execute, check_query, written_table};
pub use table::SessionTable;
pub use transaction::{Transaction, TransactionError};
pub use writer::{CommitError, Destination, Done, Seen};
