//! Copies a state from a DuckDB file to a PostgreSQL database, and back.
//!
//! One DuckDB instance attaches both. The file has all tables as DuckDB knows them, also when it is the target, so columns
//! and types are always read there. PostgreSQL has other types at times. Both sides are cast to the types of the file before
//! they are compared.
//!
//! A copy under way lies where no host looks for a state: in a schema of its own, or in a file of another name. The last step
//! puts it into its place at once. So a state is either whole or not there. Rows come in batches, and each batch is committed
//! with a mark of how far it goes. A copy that was interrupted goes on there.
//!
//! Nobody may write to the source meanwhile. A file is locked, as by a host. A database stands still
//! ([`Standstill`](crate::cluster::Standstill)). The comparison reads every row of both sides once more.
//!
//! - `error`: why there is no copy.
//! - `told`: what people see of it.
//! - `ends`: the instance with both ends.
//! - `tables`: the tables, and how their values are read on each side.
//! - `texts`: the texts that make the schema of a file, which PostgreSQL keeps.
//! - `mark`: how far an unfinished copy goes.
//! - `rows`: copies the rows of a table.
//! - `comparison`: compares the rows of a table.
//! - `copying`: the steps of every copy.
//! - `into_postgres`, `into_file`: what differs.

mod comparison;
mod copying;
mod ends;
mod error;
mod into_file;
mod into_postgres;
mod mark;
mod rows;
mod tables;
mod texts;
mod told;

pub use error::CopyError;
pub use told::{CopiedTable, Told};

use crate::state_place::StatePlace;

/// Copies a state to a place where there is none. Goes on with an unfinished copy of the same state. Returns all tables.
///
/// # Errors
/// When one of them is in use, both are of the same kind, the target has other data, the target cannot take a table, or the
/// copy differs. The target holds no state then.
pub fn copy_state(
    from: &StatePlace,
    to: &StatePlace,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Vec<CopiedTable>, CopyError> {
    match (from, to) {
        (StatePlace::File(file), StatePlace::Postgres { address, folders }) => {
            into_postgres::copy(file, address, folders.clone(), tell)
        }
        (StatePlace::Postgres { address, folders }, StatePlace::File(file)) => {
            into_file::copy(address, folders.clone(), file, tell)
        }
        _ => Err(CopyError::SameKind),
    }
}
