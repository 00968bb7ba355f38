//! Records which migrations were applied, those of the host and those of processors.
//!
//! A checksum of each reveals a released migration that was edited later.

use duckdb::{Connection, params};
use sha2::{Digest, Sha256};

use crate::{
    clock,
    hex::hex,
    state::{
        engine::sql::table_exists,
        error::{Doing, Result},
        schema::host_tables::SCHEMA_MIGRATION,
    },
};

/// The owner of the host's own tables.
pub(crate) const HOST: &str = "host";

/// A migration that was applied.
pub(crate) struct Applied {
    /// Its version, from 1.
    pub(crate) version: u32,
    /// The [`checksum`] of its SQL.
    pub(crate) checksum: String,
}

/// The newest version that was applied for an owner; 0 if there is none.
pub(crate) fn recorded_version(connection: &Connection, owner: &str) -> Result<u32> {
    let applied = applied(connection, owner)?;
    Ok(applied.last().map_or(0, |migration| migration.version))
}

/// The migrations that were applied for an owner, in order.
pub(crate) fn applied(connection: &Connection, owner: &str) -> Result<Vec<Applied>> {
    if !table_exists(connection, SCHEMA_MIGRATION)? {
        return Ok(Vec::new());
    }
    let doing = "read the applied migrations";
    let sql = "SELECT version, checksum FROM schema_migration WHERE owner = ? ORDER BY version";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([owner], |row| {
        Ok(Applied {
            version: row.get(0)?,
            checksum: row.get(1)?,
        })
    });
    rows.and_then(Iterator::collect).doing(doing)
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
