//! Records which tables are reference tables, and the digests of their rows.

use std::collections::{BTreeMap, HashSet};

use duckdb::{Connection, params};

use crate::{
    clock,
    names::ProcessorName,
    state::{
        engine::sql::table_exists,
        error::{Doing, Result},
        schema::host_tables::REFERENCE_TABLE,
    },
};

/// The names of all reference tables, in lower case. A state that is only read may be too old to have this table.
pub(crate) fn recorded(connection: &Connection) -> Result<HashSet<String>> {
    match table_exists(connection, REFERENCE_TABLE)? {
        true => listed(connection),
        false => Ok(HashSet::new()),
    }
}

/// The names of all reference tables, in lower case, in a state that has a table of them.
pub(crate) fn listed(connection: &Connection) -> Result<HashSet<String>> {
    let doing = "list the reference tables";
    let sql = "SELECT system.main.lower(table_name) FROM processor_reference_table";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([], |row| row.get(0));
    rows.and_then(Iterator::collect).doing(doing)
}

/// The digests of a processor's reference tables, by name.
pub(crate) fn standing(connection: &Connection, processor: &ProcessorName) -> Result<BTreeMap<String, String>> {
    let doing = "read the digests of the reference tables";
    let sql = "SELECT table_name, digest FROM processor_reference_table WHERE owner = ?";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([processor.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.and_then(Iterator::collect).doing(doing)
}

/// Forgets the digests of a processor's reference tables, because a migration may have changed the rows.
pub(crate) fn forget(connection: &Connection, processor: &ProcessorName) -> Result<()> {
    let sql = "DELETE FROM processor_reference_table WHERE owner = ?";
    connection
        .execute(sql, [processor.as_str()])
        .map(drop)
        .doing("delete the digests of the reference tables")
}

/// Makes a reference table that its processor no longer declares an ordinary table.
pub(crate) fn retire(connection: &Connection, table: &str) -> Result<()> {
    let sql = "DELETE FROM processor_reference_table WHERE table_name = ?";
    connection
        .execute(sql, [table])
        .map(drop)
        .doing("stop treating a table as a reference table")
}

/// Records the digest of a reference table.
pub(crate) fn record(connection: &Connection, processor: &ProcessorName, table: &str, digest: &str) -> Result<()> {
    let sql = "INSERT INTO processor_reference_table VALUES (?, ?, ?, system.main.make_timestamp(?))
               ON CONFLICT (table_name) DO UPDATE SET
                   owner = excluded.owner, digest = excluded.digest, replaced_at = excluded.replaced_at";
    let parameters = params![table, processor.as_str(), digest, clock::now().as_micros()];
    connection
        .execute(sql, parameters)
        .map(drop)
        .doing("record the digest of a reference table")
}
