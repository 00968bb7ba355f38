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

/// Writes sessions completely within the transaction of a connection, which can be committed then.
pub(super) fn write(connection: &Connection, destination: &Destination, group: &[Done], trust: Trust) -> Result<()> {
    if write_rows(connection, destination, group, trust)?.contains(&Traces::Record) {
        write_states_of_staged(connection, destination)?;
    }
    ensure_valid(connection)
}

/// Writes the state rows of sessions of which the state may hold something, in whose transaction their rows are. The
/// transaction can be committed then.
pub(super) fn write_states(connection: &Connection, destination: &Destination, known: &[Counted<'_>]) -> Result<()> {
    if !known.is_empty() {
        states::create_staging(connection)?;
        states::stage(connection, known)?;
        write_states_of_staged(connection, destination)?;
    }
    ensure_valid(connection)
}

fn write_states_of_staged(connection: &Connection, destination: &Destination) -> Result<()> {
    states::replace_staged(connection, destination)?;
    states::clear_failures_of_staged(connection, destination)
}

/// Writes the rows of sessions, and the state rows of those that have none. The others are staged. Returns what the state
/// may hold of each.
pub(super) fn write_rows(
    connection: &Connection,
    destination: &Destination,
    group: &[Done],
    trust: Trust,
) -> Result<Vec<Traces>> {
    let traces = match trust {
        Trust::Nothing => vec![Traces::Record; group.len()],
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
    let with = |wanted: &[Traces]| -> Vec<Counted<'_>> {
        let chosen = group.iter().zip(&traces).filter(|(_, traces)| wanted.contains(traces));
        chosen.map(|(done, _)| (&done.seen, &done.processed)).collect()
    };
    let (known, new) = (with(&[Traces::Record]), with(&[Traces::Rows, Traces::None]));
    let with_rows = with(&[Traces::Record, Traces::Rows]);
    if !with_rows.is_empty() {
        states::create_staging(connection)?;
        states::stage(connection, &with_rows)?;
        rows::delete_of_staged(connection, destination)?;
    }
    if !known.is_empty() && known.len() < with_rows.len() {
        states::stage(connection, &known)?;
    }
    rows::append(connection, group)?;
    if !new.is_empty() {
        states::append(connection, destination, &new)?;
    }
    Ok(traces)
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
