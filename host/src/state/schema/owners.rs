//! Records who created which table or view.
//!
//! DuckDB has no users: a connection that can read a table can write it. So the host records who created what, and
//! checks it before it runs a processor's statement.

use std::collections::{HashMap, HashSet};

use duckdb::{Connection, params};

use crate::{
    names::ProcessorName,
    state::{
        error::{Doing, Result},
        schema::{
            digests,
            host_tables::{REFERENCE_TABLE, is_of_the_host},
        },
    },
};

/// Who created which table or view: a processor, the host, or nobody known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    of_processors: HashMap<String, String>,
    reference: HashSet<String>,
}

/// The owner of the host's own tables.
const THE_HOST: &str = "the host";

/// A table that a statement of a processor may not write.
#[derive(Debug, thiserror::Error)]
pub enum ForeignTable {
    /// It belongs to somebody else.
    #[error("`{table}` belongs to {owner}: a processor may write only its own tables")]
    OfAnother {
        /// The table.
        table: String,
        /// Who created it.
        owner: String,
    },
    /// Its rows come with the plugin.
    #[error("`{0}` is a reference table: its rows come from `reference_rows`")]
    Reference(String),
}

impl Owners {
    /// Reads the owners of the tables of a state.
    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        Ok(Self {
            of_processors: of_processors(connection)?,
            reference: digests::recorded(connection)?,
        })
    }

    /// Reads the owners of the tables of a state that has these tables.
    pub(crate) fn read_of(connection: &Connection, tables: &HashSet<String>) -> Result<Self> {
        Ok(Self {
            of_processors: of_processors(connection)?,
            reference: match tables.contains(REFERENCE_TABLE) {
                true => digests::listed(connection)?,
                false => HashSet::new(),
            },
        })
    }

    /// The processor that created a table or view, or `the host`; `None` if nobody is known to have created it.
    #[must_use]
    pub(crate) fn of(&self, table: &str) -> Option<&str> {
        match is_of_the_host(table) {
            true => Some(THE_HOST),
            false => self.of_processors.get(&table.to_lowercase()).map(String::as_str),
        }
    }

    /// Checks that a statement of a processor may write a table.
    ///
    /// # Errors
    /// When it belongs to somebody else, or is a reference table.
    pub(crate) fn check(&self, processor: &ProcessorName, table: &str) -> Result<(), ForeignTable> {
        match self.of(table) {
            Some(owner) if owner != processor.as_str() => Err(ForeignTable::OfAnother {
                table: table.to_owned(),
                owner: owner.to_owned(),
            }),
            _ if self.reference.contains(&table.to_lowercase()) => Err(ForeignTable::Reference(table.to_owned())),
            _ => Ok(()),
        }
    }
}

/// The processors that created tables or views, by the names in lower case.
fn of_processors(connection: &Connection) -> Result<HashMap<String, String>> {
    let doing = "read the owners of the tables";
    let mut statement = connection
        .prepare("SELECT system.main.lower(table_name), owner FROM processor_table")
        .doing(doing)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.and_then(Iterator::collect).doing(doing)
}

/// The processor that created a table or view, or `the host`; `None` if nobody is known to have created it.
pub(crate) fn owner_of(connection: &Connection, table: &str) -> Result<Option<String>> {
    if is_of_the_host(table) {
        return Ok(Some(THE_HOST.to_owned()));
    }
    let doing = "read the owner of a table";
    let sql = "SELECT system.main.min(owner) FROM processor_table
               WHERE system.main.lower(table_name) = system.main.lower(?)";
    let mut statement = connection.prepare_cached(sql).doing(doing)?;
    statement.query_row([table], |row| row.get(0)).doing(doing)
}

/// Records that a renamed object keeps its owner. The new name must not belong to somebody else.
pub(crate) fn follow_rename(connection: &Connection, from: &str, to: &str) -> Result<()> {
    let doing = "record the owner of a renamed table";
    let sql = "INSERT INTO processor_table
               SELECT ?, owner FROM processor_table WHERE system.main.lower(table_name) = system.main.lower(?)
               ON CONFLICT DO NOTHING";
    connection.execute(sql, params![to, from]).doing(doing)?;
    let sql = "DELETE FROM processor_table
               WHERE system.main.lower(table_name) = system.main.lower(?) AND table_name <> ?";
    connection.execute(sql, params![from, to]).map(drop).doing(doing)
}
