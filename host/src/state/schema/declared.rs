//! The tables that a processor declares.

use std::sync::Arc;

use duckdb::Connection;

use crate::{
    names::ProcessorName,
    state::{
        rows::table::{FilledTable, keys_and_indexes},
        schema::{
            owners::Owners,
            refused::{SchemaRefused, TableKind},
        },
    },
};

/// A table that a processor declares and has created.
///
/// # Errors
/// When it does not exist, or belongs to somebody else.
pub(crate) fn owned_table(
    connection: &Connection,
    processor: &ProcessorName,
    kind: TableKind,
    name: &str,
) -> Result<FilledTable, SchemaRefused> {
    let table = name.to_owned();
    let Some(filled) = FilledTable::read(connection, name)? else {
        return Err(SchemaRefused::MissingTable { kind, table });
    };
    let owners = Owners::read(connection)?;
    match owners.of(name).unwrap_or("no processor") {
        owner if owner == processor.as_str() => Ok(filled),
        owner => Err(SchemaRefused::ForeignTable {
            kind,
            table,
            owner: owner.to_owned(),
        }),
    }
}

/// A session table that a processor declares and has created.
///
/// # Errors
/// When it does not exist, belongs to somebody else, or has a key or index, so that the host cannot replace sessions in
/// it.
pub(crate) fn session_table(
    connection: &Connection,
    processor: &ProcessorName,
    name: &str,
) -> Result<Arc<FilledTable>, SchemaRefused> {
    let table = owned_table(connection, processor, TableKind::Session, name)?;
    if !table.has_session_file() {
        return Err(SchemaRefused::NoSessionFile(name.to_owned()));
    }
    match keys_and_indexes(connection, name)?.into_iter().next() {
        Some(key) => Err(SchemaRefused::Keyed {
            table: name.to_owned(),
            key,
        }),
        None => Ok(Arc::new(table)),
    }
}
