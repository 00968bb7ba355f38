//! Migrates the host's own tables when the state is opened.
//!
//! A state may come from an older system. Tables that it made for this host are kept and extended. A table that only
//! has the name of one of the host's is renamed, and not dropped.

use std::path::Path;

use duckdb::Connection;

use crate::state::{
    engine::sql::{in_transaction, quoted, table_exists},
    error::{Doing, Result, StateError},
    schema::{
        applied_migrations::{self, HOST},
        host_tables::{HOST_TABLES, Origin},
        shadows,
    },
};

/// The migrations of the host's tables, in order: the first is version 1.
const STEPS: [&str; 3] = [
    include_str!("0001_tables.sql"),
    include_str!("0002_reading.sql"),
    include_str!("0003_reference_tables.sql"),
];

/// The table of the older service, whose only processor was `verification`.
const OLDER_TABLE: &str = "session_extraction_state";

/// Migrates the host's tables from any earlier form; returns whether anything changed.
pub(crate) fn bring_up_to_date(connection: &Connection, path: &Path) -> Result<bool> {
    let known = u32::try_from(STEPS.len()).unwrap_or(u32::MAX);
    let found = applied_migrations::recorded_version(connection, HOST)?;
    if found > known {
        return Err(StateError::NewerSchema {
            path: path.to_owned(),
            found,
            known,
        });
    }
    let mut changed = false;
    if found == 0 {
        in_transaction(connection, "move older tables aside", |connection| {
            let in_the_way = HOST_TABLES.iter().filter(|table| table.origin == Origin::MovedAside);
            in_the_way
                .map(|table| table.name)
                .try_for_each(|table| match table_exists(connection, table)? {
                    true => move_aside(connection, table),
                    false => Ok(()),
                })
        })?;
    }
    for (version, sql) in (1..).zip(STEPS).skip(found as usize) {
        in_transaction(connection, "create the host's tables", |connection| {
            connection.execute_batch(sql).doing("create the host's tables")?;
            applied_migrations::record(connection, HOST, version, &applied_migrations::checksum(sql))
        })?;
        changed = true;
    }
    if table_exists(connection, OLDER_TABLE)? {
        in_transaction(connection, "take over the older table", |connection| {
            let sql = include_str!("take_over.sql");
            connection.execute_batch(sql).doing("take over the older table")
        })?;
        tracing::info!(table = OLDER_TABLE, "took over the older service's table");
        changed = true;
    }
    changed |= shadows::drop_once(connection)?;
    Ok(changed)
}

/// The new name of an older system's table that is in the way.
pub(crate) fn legacy_name(table: &str) -> String {
    format!("legacy_{table}")
}

/// Renames an older system's table that is in the way.
pub(crate) fn move_aside(connection: &Connection, table: &str) -> Result<()> {
    let legacy = legacy_name(table);
    if table_exists(connection, &legacy)? {
        return Err(StateError::LegacyTaken {
            table: table.to_owned(),
        });
    }
    tracing::warn!(
        table,
        legacy,
        "a table of an older system is in the way: moving it aside"
    );
    // A table with indexes cannot be renamed, but its rows can be copied.
    let (table, legacy) = (quoted(table), quoted(&legacy));
    let sql = format!("CREATE TABLE {legacy} AS FROM {table}; DROP TABLE {table}");
    connection.execute_batch(&sql).doing("move an older table aside")
}
