//! A processor's own tables: which of its migrations are pending, and whether its session tables match its declaration.

use std::sync::Arc;

use duckdb::Connection;
use session_plugin_api::Migration;

use crate::{
    names::ProcessorName,
    state::{
        engine::{instance::Link, sql::in_transaction},
        rows::table::FilledTable,
        schema::{
            applied_migrations, declared::Inventory, known::KnownSchema, processor_migration::apply,
            refused::SchemaRefused,
        },
    },
};

/// What a processor declares about its tables.
#[derive(Clone, Copy, Debug)]
pub struct DeclaredTables<'a> {
    /// The processor.
    pub processor: &'a ProcessorName,
    /// Its migrations, in order.
    pub migrations: &'a [Migration],
    /// The session tables that the migrations have created.
    pub session_tables: &'a [String],
}

/// Applies a processor's pending migrations and checks its session tables; calls `applied` after each migration, which
/// forgets the `known` schema.
///
/// # Errors
/// When the processor cannot be used with this state. The migration that failed leaves nothing behind.
pub(crate) fn prepare(
    link: &Link,
    declared: DeclaredTables<'_>,
    known: &KnownSchema,
    applied: impl Fn(),
) -> Result<Vec<Arc<FilledTable>>, SchemaRefused> {
    let processor = declared.processor;
    for migration in outstanding(&*known.inventory(link)?, declared)? {
        in_transaction(link, "apply a migration", |_| {
            apply(link, processor, migration, |_, _| Ok(()))
        })?;
        applied();
        tracing::info!(%processor, version = migration.version(), title = migration.title(), "applied a migration");
    }
    session_tables(link, &*known.inventory(link)?, declared)
}

/// Compares a processor with a state without changing it; returns the versions of the pending migrations. If there are
/// none, checks the session tables too.
///
/// # Errors
/// When the processor cannot be used with this state.
pub(crate) fn compare(link: &Link, declared: DeclaredTables<'_>) -> Result<Vec<u32>, SchemaRefused> {
    let inventory = Inventory::read(link)?;
    let outstanding = outstanding(&inventory, declared)?;
    if outstanding.is_empty() && !declared.migrations.is_empty() {
        session_tables(link, &inventory, declared)?;
    }
    Ok(outstanding.iter().map(Migration::version).collect())
}

/// Checks a processor's session tables, which its migrations have created.
///
/// # Errors
/// When one does not exist, belongs to somebody else, or has a key.
pub(crate) fn session_tables(
    connection: &Connection,
    inventory: &Inventory,
    declared: DeclaredTables<'_>,
) -> Result<Vec<Arc<FilledTable>>, SchemaRefused> {
    inventory.session_tables(connection, declared.processor, declared.session_tables)
}

/// The migrations that are not applied yet.
///
/// # Errors
/// When the state has others than the processor declares.
pub(crate) fn outstanding<'a>(
    inventory: &Inventory,
    declared: DeclaredTables<'a>,
) -> Result<&'a [Migration], SchemaRefused> {
    let migrations = declared.migrations;
    for (expected, migration) in (1..).zip(migrations) {
        if migration.version() != expected {
            return Err(SchemaRefused::Order {
                expected,
                found: migration.version(),
            });
        }
    }
    let applied = inventory.migrations_of(declared.processor);
    if applied.len() > migrations.len() {
        return Err(SchemaRefused::Newer {
            recorded: applied.last().map_or(0, |applied| applied.version),
            known: u32::try_from(migrations.len()).unwrap_or(u32::MAX),
        });
    }
    let changed = applied
        .iter()
        .zip(migrations)
        .find(|(applied, given)| applied.checksum != applied_migrations::checksum(given.sql()));
    match changed {
        Some((applied, _)) => Err(SchemaRefused::Changed {
            version: applied.version,
        }),
        None => Ok(&migrations[applied.len()..]),
    }
}
