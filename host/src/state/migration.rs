//! Which migrations were applied, and how one is.

use duckdb::{Connection, params};
use sha2::{Digest, Sha256};

use super::{
    error::{Doing, Result, StateError},
    table::table_exists,
};
use crate::{clock, hex::hex};

/// The owner of the host's own tables.
pub(super) const HOST: &str = "host";

/// A migration that was applied.
pub(super) struct Applied {
    /// Its version, from 1.
    pub(super) version: u32,
    /// The [`checksum`] of its SQL.
    pub(super) checksum: String,
}

/// The newest version that was applied for an owner; 0 where there is none.
pub(super) fn recorded_version(connection: &Connection, owner: &str) -> Result<u32> {
    let applied = applied(connection, owner)?;
    Ok(applied.last().map_or(0, |migration| migration.version))
}

/// The migrations that were applied for an owner, in order.
pub(super) fn applied(connection: &Connection, owner: &str) -> Result<Vec<Applied>> {
    if !table_exists(connection, "schema_migration")? {
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

/// Notes that a migration was applied.
pub(super) fn record(connection: &Connection, owner: &str, version: u32, checksum: &str) -> Result<()> {
    let sql = "INSERT INTO schema_migration VALUES (?, ?, system.main.make_timestamp(?), ?)";
    let parameters = params![owner, version, clock::now().as_micros(), checksum];
    connection
        .execute(sql, parameters)
        .map(drop)
        .doing("record a migration")
}

/// What tells whether a migration's SQL is the one that was applied: SHA-256, hex.
pub(super) fn checksum(sql: &str) -> String {
    hex(Sha256::digest(sql.as_bytes()))
}

/// Runs `work` in a transaction that is committed when it succeeds and rolled back when it does not.
pub(super) fn in_transaction<T, E: From<StateError>>(
    connection: &Connection,
    doing: &'static str,
    work: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    connection.execute_batch("BEGIN").doing(doing)?;
    let result = work(connection).and_then(|value| {
        connection.execute_batch("COMMIT").doing(doing)?;
        Ok(value)
    });
    if result.is_err() {
        // Without a transaction left to end, DuckDB refuses the statement: that is as good.
        let _ = connection.execute_batch("ROLLBACK");
    }
    result
}
