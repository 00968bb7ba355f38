//! The tables that a processor declares.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use duckdb::Connection;

use crate::{
    names::ProcessorName,
    state::{
        engine::sql::tables,
        error::Result,
        rows::table::{FilledTable, keys_and_indexes},
        schema::{
            owners::Owners,
            refused::{SchemaRefused, TableKind},
        },
    },
};

/// What declared tables are checked against: all tables of the state, with their owners and keys. It is read once for all
/// tables of a processor, because DuckDB takes a millisecond for each of these queries.
#[derive(Debug)]
pub(crate) struct Inventory {
    tables: HashSet<String>,
    owners: Owners,
    /// A key or an index of each table that has one.
    keys: HashMap<String, String>,
}

impl Inventory {
    /// Reads the inventory of a state.
    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        Ok(Self {
            tables: tables(connection)?,
            owners: Owners::read(connection)?,
            keys: keys_and_indexes(connection)?,
        })
    }

    /// A table that a processor declares and has created.
    ///
    /// # Errors
    /// When it does not exist, or belongs to somebody else.
    pub(crate) fn owned_table(
        &self,
        connection: &Connection,
        processor: &ProcessorName,
        kind: TableKind,
        name: &str,
    ) -> Result<FilledTable, SchemaRefused> {
        let table = name.to_owned();
        if !self.tables.contains(name) {
            return Err(SchemaRefused::MissingTable { kind, table });
        }
        match self.owners.of(name).unwrap_or("no processor") {
            owner if owner == processor.as_str() => Ok(FilledTable::read(connection, name)?),
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
    /// When it does not exist, belongs to somebody else, or has a key or index, so that the host cannot replace sessions
    /// in it.
    pub(crate) fn session_table(
        &self,
        connection: &Connection,
        processor: &ProcessorName,
        name: &str,
    ) -> Result<Arc<FilledTable>, SchemaRefused> {
        let table = self.owned_table(connection, processor, TableKind::Session, name)?;
        if !table.has_session_file() {
            return Err(SchemaRefused::NoSessionFile(name.to_owned()));
        }
        match self.keys.get(name) {
            Some(key) => Err(SchemaRefused::Keyed {
                table: name.to_owned(),
                key: key.clone(),
            }),
            None => Ok(Arc::new(table)),
        }
    }
}
