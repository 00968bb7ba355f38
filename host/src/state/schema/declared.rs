//! The tables that a processor declares.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use duckdb::Connection;

use crate::{
    names::ProcessorName,
    state::{
        engine::{instance::Link, sql::tables},
        error::{Doing, Result},
        rows::table::{FilledTable, keys_and_indexes},
        schema::{
            applied_migrations::{Applied, AppliedMigrations},
            host_tables::SCHEMA_MIGRATION,
            owners::Owners,
            refused::{SchemaRefused, TableKind},
        },
    },
};

/// What declared tables are checked against: all tables of the state, with their owners and keys, and the migrations that
/// made them. It is read once for all processors, because DuckDB takes a millisecond for each of these queries.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    tables: HashSet<String>,
    migrations: AppliedMigrations,
    owners: Owners,
    /// A key or an index of each table that has one.
    keys: HashMap<String, String>,
}

/// The part of an inventory that the host needs before it has migrated its own tables.
#[derive(Debug, Default)]
pub(crate) struct Foundations {
    /// The names of all tables.
    pub(crate) tables: HashSet<String>,
    /// The migrations that were applied.
    pub(crate) migrations: AppliedMigrations,
}

impl Foundations {
    /// Reads the foundations of any state.
    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        let tables = tables(connection)?;
        let migrations = match tables.contains(SCHEMA_MIGRATION) {
            true => AppliedMigrations::read(connection)?,
            false => AppliedMigrations::default(),
        };
        Ok(Self { tables, migrations })
    }
}

impl Inventory {
    /// Reads the inventory of a state. One that is only looked at may not have the host's tables yet.
    pub(crate) fn read(link: &Link) -> Result<Self> {
        Self::read_on(link, Foundations::read(link)?)
    }

    /// Reads the rest of the inventory of a state.
    pub(crate) fn read_on(link: &Link, foundations: Foundations) -> Result<Self> {
        let Foundations { tables, migrations } = foundations;
        if !tables.contains(SCHEMA_MIGRATION) {
            return Ok(Self::default());
        }
        Ok(Self {
            migrations,
            owners: Owners::read_of(link, &tables)?,
            keys: keys_and_indexes(&*link.judge().doing("connect to the instance that judges")?)?,
            tables,
        })
    }

    /// The migrations that were applied for a processor, in order.
    pub(crate) fn migrations_of(&self, processor: &ProcessorName) -> &[Applied] {
        self.migrations.of(processor.as_str())
    }

    /// Who created which table.
    pub(crate) fn owners(&self) -> &Owners {
        &self.owners
    }

    /// The tables that a processor declares and has created, in their order.
    ///
    /// # Errors
    /// When one does not exist, or belongs to somebody else.
    pub(crate) fn owned_tables<'a>(
        &self,
        connection: &Connection,
        processor: &ProcessorName,
        kind: TableKind,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Vec<FilledTable>, SchemaRefused> {
        for name in names.clone() {
            self.check_owned(processor, kind, name)?;
        }
        Ok(FilledTable::read_all(connection, names)?)
    }

    fn check_owned(&self, processor: &ProcessorName, kind: TableKind, name: &str) -> Result<(), SchemaRefused> {
        let table = name.to_owned();
        if !self.tables.contains(name) {
            return Err(SchemaRefused::MissingTable { kind, table });
        }
        match self.owners.of(name).unwrap_or("no processor") {
            owner if owner == processor.as_str() => Ok(()),
            owner => Err(SchemaRefused::ForeignTable {
                kind,
                table,
                owner: owner.to_owned(),
            }),
        }
    }

    /// The session tables that a processor declares and has created.
    ///
    /// # Errors
    /// When one does not exist, belongs to somebody else, or has a key or index, so that the host cannot replace sessions
    /// in it.
    pub(crate) fn session_tables(
        &self,
        connection: &Connection,
        processor: &ProcessorName,
        names: &[String],
    ) -> Result<Vec<Arc<FilledTable>>, SchemaRefused> {
        let names = names.iter().map(String::as_str);
        let tables = self.owned_tables(connection, processor, TableKind::Session, names)?;
        let checked = tables.into_iter().map(|table| self.checked(table));
        checked.collect()
    }

    fn checked(&self, table: FilledTable) -> Result<Arc<FilledTable>, SchemaRefused> {
        if !table.has_session_file() {
            return Err(SchemaRefused::NoSessionFile(table.name().to_owned()));
        }
        match self.keys.get(table.name()) {
            Some(key) => Err(SchemaRefused::Keyed {
                table: table.name().to_owned(),
                key: key.clone(),
            }),
            None => Ok(Arc::new(table)),
        }
    }
}
