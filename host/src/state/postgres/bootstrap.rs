//! Creates the host's own tables in the database, or migrates them.
//!
//! Several hosts may start at once. The first takes a lock, and the others find everything made.

use duckdb::Connection;

use super::{
    attach::{Database, choose_schema},
    mirror::SCHEMA_TEXT,
};
use crate::{
    cluster::{REPORT, TABLES as OF_THE_CLUSTER},
    state::{
        engine::{
            attached::{self, LANE, SCHEMA, execute, passed_through},
            sql::{in_transaction, tables, text},
        },
        error::{Doing, Result, StateError},
        schema::{
            applied_migrations::{self, AppliedMigrations, HOST},
            host_migrations,
            host_tables::SCHEMA_MIGRATION,
            shadows,
        },
    },
};

/// The key of PostgreSQL's advisory lock under which the schema is created: `session` in ASCII.
const CREATING: u64 = 0x73_65_73_73_69_6f_6e;

const DOING: &str = "create the host's tables";

/// Creates what is missing of the host's own tables.
///
/// # Errors
/// When the database cannot be reached, this role may not create tables, or a newer version migrated them.
pub(in crate::state) fn bring_up_to_date(database: &Database, connection: &Connection) -> Result<()> {
    create_schema(connection)?;
    choose_schema(connection)?;
    if migrations_of(connection)?.newest_of(HOST) == host_migrations::newest() {
        return Ok(());
    }
    in_transaction(connection, DOING, |connection| {
        // The lock comes before the first read, whose snapshot shows what others made before.
        lock_schema(connection)?;
        // The extension remembers that there were no tables.
        connection.execute_batch("CALL pg_clear_cache()").doing(DOING)?;
        migrate(database, connection)
    })
}

fn create_schema(connection: &Connection) -> Result<()> {
    if is_there(connection)? {
        return Ok(());
    }
    in_transaction(connection, "create the host's schema", create_own_tables)?;
    // The extension remembers that there was no schema.
    connection.execute_batch("CALL pg_clear_cache()").doing(DOING)
}

/// Whether the database holds a state.
pub(in crate::state) fn is_there(connection: &Connection) -> Result<bool> {
    let looking = format!(
        "SELECT to_regclass('{SCHEMA}.{SCHEMA_TEXT}') IS NOT NULL AND to_regclass('{SCHEMA}.{REPORT}') IS NOT NULL AS is_there"
    );
    connection
        .query_row(&passed_through(&looking), [], |row| row.get(0))
        .doing("look for the host's tables")
}

/// Whether the database holds a state that can be read; changes nothing. There is none until the first host has made all of
/// its own tables.
///
/// # Errors
/// When the database cannot be reached, or a newer version migrated the tables.
pub(super) fn is_readable(database: &Database, connection: &Connection) -> Result<bool> {
    if !is_there(connection)? {
        return Ok(false);
    }
    choose_schema(connection)?;
    let found = migrations_of(connection)?.newest_of(HOST);
    refuse_newer(database, found)?;
    Ok(found > 0)
}

/// Creates the tables that only a state in PostgreSQL has.
pub(in crate::state) fn create_own_tables(connection: &Connection) -> Result<()> {
    execute(connection, DOING, &format!("SELECT pg_advisory_xact_lock({CREATING})"))?;
    let tables = format!(
        "CREATE SCHEMA IF NOT EXISTS {SCHEMA};
         SET LOCAL search_path = {SCHEMA};
         CREATE TABLE IF NOT EXISTS {SCHEMA_TEXT} (
             id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner text NOT NULL, sql text NOT NULL);
         CREATE TABLE IF NOT EXISTS {LANE} ();
         {OF_THE_CLUSTER}"
    );
    execute(connection, DOING, &tables)
}

fn migrations_of(connection: &Connection) -> Result<AppliedMigrations> {
    match tables(connection)?.contains(SCHEMA_MIGRATION) {
        true => AppliedMigrations::read(connection),
        false => Ok(AppliedMigrations::default()),
    }
}

/// Waits until no other host changes the schema, and keeps others from it until the transaction ends.
pub(super) fn lock_schema(connection: &Connection) -> Result<()> {
    attached::lock(connection, "wait for other hosts that change the schema", SCHEMA_TEXT)
}

fn migrate(database: &Database, connection: &Connection) -> Result<()> {
    let applied = migrations_of(connection)?;
    let found = applied.newest_of(HOST);
    let known = host_migrations::newest();
    refuse_newer(database, found)?;
    for (version, sql) in host_migrations::after(found) {
        connection.execute_batch(sql).doing(DOING)?;
        applied_migrations::record(connection, HOST, version, &applied_migrations::checksum(sql))?;
        record_text(connection, HOST, sql)?;
    }
    if found == 0 {
        shadows::note_none(connection)?;
    }
    if found < known {
        let_parameters_change(connection)?;
        sort_by_bytes(connection)?;
    }
    Ok(())
}

fn refuse_newer(database: &Database, found: u32) -> Result<()> {
    let known = host_migrations::newest();
    match found > known {
        false => Ok(()),
        true => Err(StateError::NewerSharedSchema {
            address: database.address.to_string(),
            found,
            known,
        }),
    }
}

/// Lets forgetting change the audit log. The extension cannot update a column of PostgreSQL's type `json`.
pub(in crate::state) fn let_parameters_change(connection: &Connection) -> Result<()> {
    let alter = format!("ALTER TABLE {SCHEMA}.audit_log ALTER COLUMN params TYPE varchar");
    execute(connection, DOING, &alter)
}

/// Records a text that made a part of the schema.
pub(in crate::state) fn record_text(connection: &Connection, owner: &str, sql: &str) -> Result<()> {
    let insert = format!(
        "INSERT INTO {SCHEMA}.{SCHEMA_TEXT} (owner, sql) VALUES ({}, {})",
        text(owner),
        text(sql)
    );
    execute(connection, "record a migration", &insert)
}

/// Gives the columns that rows are found by PostgreSQL's collation `C`, and each session table an index. No index serves
/// the filters that DuckDB hands over, unless both compare bytes.
pub(in crate::state) fn sort_by_bytes(connection: &Connection) -> Result<()> {
    execute(
        connection,
        "index the tables of sessions",
        include_str!("sort_by_bytes.sql"),
    )
}
