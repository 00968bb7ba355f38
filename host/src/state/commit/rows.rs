//! The rows of sessions: removes the earlier ones, and appends the new ones.

use duckdb::{Connection, arrow::error::ArrowError};

use crate::{
    names::SessionKey,
    state::{
        commit::{destination::Destination, session::Done, states::Counted},
        engine::{
            attached::{self, SCHEMA, list},
            instance::Link,
            sql::quoted,
        },
        error::{Doing, Result, StateError},
        rows::{batch::PendingRows, builder::ColumnsBuilder, table::SESSION_FILE},
    },
};

/// Removes the rows of the staged sessions, which are these, from every session table.
pub(super) fn delete_of_staged(link: &Link, destination: &Destination, sessions: &[Counted<'_>]) -> Result<()> {
    let doing = "delete the earlier rows of the sessions";
    destination.tables.iter().try_for_each(|table| {
        let table = quoted(table.name());
        match link.is_attached() {
            false => {
                let staged = format!("SELECT {SESSION_FILE} FROM staged_session");
                let deleted = link.execute(&format!("DELETE FROM {table} WHERE {SESSION_FILE} IN ({staged})"), []);
                deleted.map(drop).doing(doing)
            }
            true => {
                let keys = list(sessions.iter().map(|(seen, _)| seen.session.as_str()));
                attached::execute(
                    link,
                    doing,
                    &format!("DELETE FROM {SCHEMA}.{table} WHERE {SESSION_FILE} IN {keys}"),
                )
            }
        }
    })
}

/// The rows of a group for one table, all with the same columns.
struct Alike<'a> {
    first: &'a PendingRows,
    builder: ColumnsBuilder,
}

/// Appends the rows of a group: those of one table with the same columns together.
pub(super) fn append(connection: &Connection, group: &[Done]) -> Result<()> {
    let mut collected: Vec<Alike<'_>> = Vec::new();
    for done in group {
        for rows in done.rows.iter().filter(|rows| !rows.is_empty()) {
            add(&mut collected, rows, &done.seen.session).map_err(unfit)?;
        }
    }
    collected
        .into_iter()
        .try_for_each(|alike| append_alike(connection, alike))
}

fn add<'a>(
    collected: &mut Vec<Alike<'a>>,
    rows: &'a PendingRows,
    session: &SessionKey,
) -> std::result::Result<(), ArrowError> {
    let is_alike =
        |alike: &Alike<'_>| alike.first.table().name() == rows.table().name() && alike.first.shape() == rows.shape();
    let place = collected.iter().position(is_alike).unwrap_or_else(|| {
        collected.push(Alike {
            first: rows,
            builder: ColumnsBuilder::default(),
        });
        collected.len() - 1
    });
    rows.add_to(&mut collected[place].builder, session)
}

fn append_alike(connection: &Connection, Alike { first, builder }: Alike<'_>) -> Result<()> {
    let doing = "append the rows of the sessions";
    let batch = builder.finish().map_err(unfit)?;
    let schema = batch.schema();
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut appender = connection
        .appender_with_columns(first.table().name(), &columns)
        .doing(doing)?;
    appender.append_record_batch(batch).doing(doing)?;
    appender.flush().doing(doing)
}

pub(super) fn unfit(error: ArrowError) -> StateError {
    StateError::Batch {
        reason: error.to_string(),
    }
}
