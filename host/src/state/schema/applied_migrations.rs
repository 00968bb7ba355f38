//! Records which migrations were applied, those of the host and those of processors.
//!
//! A checksum of each reveals a released migration that was edited later.

use std::collections::HashMap;

use duckdb::{Connection, params};
use sha2::{Digest, Sha256};

use crate::{
    clock,
    hex::hex,
    state::error::{Doing, Result},
};

/// The owner of the host's own tables.
pub(crate) const HOST: &str = "host";

/// A migration that was applied.
#[derive(Debug)]
pub(crate) struct Applied {
    /// Its version, from 1.
    pub(crate) version: u32,
    /// The [`checksum`] of its SQL.
    pub(crate) checksum: String,
}

/// The migrations that were applied, by owner.
#[derive(Debug, Default)]
pub(crate) struct AppliedMigrations(HashMap<String, Vec<Applied>>);

impl AppliedMigrations {
    /// Reads those of all owners, from a state that has a table of them.
    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        let doing = "read the applied migrations";
        let sql = "SELECT owner, version, checksum FROM schema_migration";
        let mut statement = connection.prepare(sql).doing(doing)?;
        let rows = statement.query_map([], |row| {
            let applied = Applied {
                version: row.get(1)?,
                checksum: row.get(2)?,
            };
            Ok((row.get(0)?, applied))
        });
        let rows: Vec<(String, Applied)> = rows.and_then(Iterator::collect).doing(doing)?;
        let mut of_owners: HashMap<String, Vec<Applied>> = HashMap::new();
        for (owner, applied) in rows {
            of_owners.entry(owner).or_default().push(applied);
        }
        for of_owner in of_owners.values_mut() {
            of_owner.sort_by_key(|applied| applied.version);
        }
        Ok(Self(of_owners))
    }

    /// Those of an owner, in order.
    pub(crate) fn of(&self, owner: &str) -> &[Applied] {
        self.0.get(owner).map_or(&[], Vec::as_slice)
    }

    /// The newest version that was applied for an owner; 0 if there is none.
    pub(crate) fn newest_of(&self, owner: &str) -> u32 {
        self.of(owner).last().map_or(0, |applied| applied.version)
    }
}

/// Records that a migration was applied.
pub(crate) fn record(connection: &Connection, owner: &str, version: u32, checksum: &str) -> Result<()> {
    let sql = "INSERT INTO schema_migration VALUES (?, ?, system.main.make_timestamp(?), ?)";
    let parameters = params![owner, version, clock::now().as_micros(), checksum];
    connection
        .execute(sql, parameters)
        .map(drop)
        .doing("record a migration")
}

/// The checksum of a migration's SQL: SHA-256, hex. It differs if the SQL was edited.
pub(crate) fn checksum(sql: &str) -> String {
    hex(Sha256::digest(sql.as_bytes()))
}
