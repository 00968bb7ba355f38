//! Writes sessions within a transaction: their rows, their state rows, and the end of their failures.

use duckdb::Connection;

use crate::state::{
    commit::{
        before::Traces,
        destination::Destination,
        rows,
        session::Done,
        states::{self, Counted},
    },
    error::{Doing, Result},
};

/// Whether a commit relies on what its run knows of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It looks only for what there may be.
    Knowledge,
    /// It looks for everything.
    Nothing,
}

/// Writes sessions within the transaction of a connection. Expects the staging table where `trust` is nothing, or where
/// the state may hold something of a session.
pub(super) fn write(connection: &Connection, destination: &Destination, group: &[Done], trust: Trust) -> Result<()> {
    let traces = match trust {
        Trust::Nothing => vec![Traces::Possible; group.len()],
        Trust::Knowledge => {
            let Destination {
                processor,
                tables,
                before,
                ..
            } = destination;
            before.traces(connection, processor, tables, group)?
        }
    };
    let with = |wanted: Traces| -> Vec<Counted<'_>> {
        let chosen = group.iter().zip(&traces).filter(|(_, traces)| **traces == wanted);
        chosen.map(|(done, _)| (&done.seen, &done.processed)).collect()
    };
    let (known, new) = (with(Traces::Possible), with(Traces::None));
    if !known.is_empty() {
        states::create_staging(connection)?;
        states::stage(connection, &known)?;
        rows::delete_of_staged(connection, destination)?;
    }
    rows::append(connection, group)?;
    if !new.is_empty() {
        states::append(connection, destination, &new)?;
    }
    if !known.is_empty() {
        states::replace_staged(connection, destination)?;
        states::clear_failures_of_staged(connection, destination)?;
    }
    ensure_valid(connection)
}

/// Checks that the transaction of a connection can be committed. After a failed statement, DuckDB reports success for
/// COMMIT but rolls back. It rejects every statement but ROLLBACK and COMMIT then, so one that succeeds shows that
/// COMMIT commits.
fn ensure_valid(connection: &Connection) -> Result<()> {
    let doing = "look whether the transaction is still valid";
    let mut statement = connection
        .prepare_cached("SELECT system.main.txid_current()")
        .doing(doing)?;
    statement
        .query_row([], |row| row.get::<_, i64>(0))
        .map(drop)
        .doing(doing)
}
