//! Applies a processor's migrations to the database.
//!
//! The mirror applies a migration first, as a state in a file does. So the same statements are refused for the same
//! reasons. Then PostgreSQL runs those that change tables. Views and macros stay in the mirror, and every instance has
//! its own. They are tried over the tables as PostgreSQL has them before the commit.

use std::collections::HashSet;

use duckdb::{Connection, params};
use session_plugin_api::Migration;

use super::{
    bootstrap::{lock_schema, record_text, sort_by_bytes},
    mirror::NotCreated,
    view_check::find_unreadable,
};
use crate::{
    names::ProcessorName,
    state::{
        conflict::Conflict,
        engine::{
            attached::{self, LongestPause, SCHEMA, passed_through},
            instance::Link,
            sql::{in_transaction, quoted, text},
        },
        error::{Doing, Result, StateError},
        judge::plan::{Effect, ObjectKind},
        schema::{
            applied_migrations::{self, AppliedMigrations},
            digests, processor_migration,
            refused::SchemaRefused,
        },
    },
};

/// How a migration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Migrated {
    /// It was applied.
    Applied,
    /// Another host has applied it meanwhile.
    ByAnother,
}

/// Applies a migration through a link to the database and one to the mirror. The mirror is of no use afterwards.
///
/// # Errors
/// When the migration is refused, or PostgreSQL cannot take a statement. Nothing of it is kept then.
pub(super) fn apply(
    link: &Link,
    mirror: &Link,
    processor: &ProcessorName,
    migration: &Migration,
) -> Result<Migrated, SchemaRefused> {
    in_transaction(link, "apply a migration", |connection| {
        // Locks come before the first read, whose snapshot shows what others made before. Nobody commits sessions of the
        // processor as long as its leases are locked.
        lock_schema(connection)?;
        attached::lock_leases(
            connection,
            "wait for the commits of other hosts",
            LongestPause::Migration,
        )?;
        if AppliedMigrations::read(connection)?.newest_of(processor.as_str()) >= migration.version() {
            return Ok(Migrated::ByAnother);
        }
        take_owners(connection, mirror)?;
        processor_migration::apply(mirror, processor, migration, |sql, effect| {
            run(connection, mirror, migration.version(), sql, effect)
        })?;
        give_owners(connection, mirror, processor)?;
        digests::forget(connection, processor)?;
        let checksum = applied_migrations::checksum(migration.sql());
        applied_migrations::record(connection, processor.as_str(), migration.version(), &checksum)?;
        record_text(connection, processor.as_str(), migration.sql())?;
        sort_by_bytes(connection)?;
        match find_unreadable(connection)? {
            None => Ok(Migrated::Applied),
            Some(NotCreated { statement, source }) => {
                Err(not_portable(migration.version(), &statement, source.to_string()))
            }
        }
    })
}

/// Runs a statement in PostgreSQL, unless it concerns what stays in DuckDB.
fn run(
    connection: &Connection,
    mirror: &Connection,
    version: u32,
    sql: &str,
    effect: &Effect,
) -> Result<(), SchemaRefused> {
    let not_portable = |reason: String| not_portable(version, sql, reason);
    let execute_in_postgres = || {
        connection.execute_batch(sql).map_err(|error| {
            match StateError::of_statement("apply a migration", error.into()) {
                // Another host was in the way. A key that is taken is the migration's own fault.
                error if error.conflict() == Some(Conflict::Rows) => SchemaRefused::State(error),
                StateError::Statement { source, .. } => not_portable(source.to_string()),
                troubled => SchemaRefused::State(troubled),
            }
        })
    };
    match effect {
        Effect::Creates(ObjectKind::View | ObjectKind::Macro, _)
        | Effect::Drops(ObjectKind::View | ObjectKind::Macro, _)
        | Effect::Alters {
            renamed: Some((ObjectKind::View, _)),
            ..
        } => Ok(()),
        Effect::Creates(kind @ (ObjectKind::Sequence | ObjectKind::Type), _)
        | Effect::Drops(kind @ (ObjectKind::Sequence | ObjectKind::Type), _) => Err(not_portable(format!(
            "a {kind} exists only in a state in a DuckDB file"
        ))),
        Effect::Alters { object, renamed: None } => match added_column(connection, mirror, &object.name)? {
            Some(column) => Ok(add_column(connection, &object.name, &column)?),
            None => execute_in_postgres(),
        },
        _ => execute_in_postgres(),
    }
}

fn not_portable(version: u32, sql: &str, reason: String) -> SchemaRefused {
    SchemaRefused::NotPortable {
        version,
        statement: in_one_line(sql),
        reason,
    }
}

/// A statement in one line, or its beginning.
fn in_one_line(sql: &str) -> String {
    const MOST: usize = 300;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        None => line,
        Some((end, _)) => format!("{} ...", &line[..end]),
    }
}

/// A column that the mirror has and PostgreSQL has not, because a statement has just added it.
struct AddedColumn {
    name: String,
    data_type: String,
    default: Option<String>,
}

fn added_column(connection: &Connection, mirror: &Connection, table: &str) -> Result<Option<AddedColumn>> {
    let doing = "compare the columns of a table";
    let relation = text(&format!("{SCHEMA}.{}", quoted(table)));
    let listing = passed_through(&format!(
        "SELECT attname FROM pg_attribute WHERE attrelid = {relation}::regclass AND attnum > 0 AND NOT attisdropped"
    ));
    let mut statement = connection.prepare(&listing).doing(doing)?;
    let rows = statement.query_map([], |row| row.get(0)).doing(doing)?;
    let known: HashSet<String> = rows.collect::<duckdb::Result<_>>().doing(doing)?;
    let sql = "SELECT column_name, data_type, column_default FROM system.main.duckdb_columns()
               WHERE schema_name = 'main' AND system.main.lower(table_name) = system.main.lower(?)";
    let mut statement = mirror.prepare(sql).doing(doing)?;
    let rows = statement.query_map([table], |row| {
        Ok(AddedColumn {
            name: row.get(0)?,
            data_type: row.get(1)?,
            default: row.get(2)?,
        })
    });
    let columns: Vec<AddedColumn> = rows.and_then(Iterator::collect).doing(doing)?;
    Ok(columns.into_iter().find(|column| !known.contains(&column.name)))
}

/// Adds a column to a table. DuckDB's extension names the type in DuckDB's words in such a statement, and in PostgreSQL's
/// where it creates a table. So a table of this one column is created first, which says what PostgreSQL calls the type.
fn add_column(connection: &Connection, table: &str, column: &AddedColumn) -> Result<()> {
    let doing = "add a column";
    let AddedColumn {
        name,
        data_type,
        default,
    } = column;
    let default = default
        .as_ref()
        .map(|default| format!(" DEFAULT {default}"))
        .unwrap_or_default();
    let create = format!("CREATE TABLE {PATTERN} ({} {data_type}{default})", quoted(name));
    connection.execute_batch(&create).doing(doing)?;
    let add = format!(
        "DO $add$ DECLARE definition text; BEGIN
             SELECT format_type(col.atttypid, col.atttypmod)
                    || coalesce(' DEFAULT ' || pg_get_expr(def.adbin, def.adrelid), '')
             INTO definition FROM pg_attribute AS col
             LEFT JOIN pg_attrdef AS def ON def.adrelid = col.attrelid AND def.adnum = col.attnum
             WHERE col.attrelid = '{SCHEMA}.{PATTERN}'::regclass AND col.attnum = 1;
             EXECUTE format('ALTER TABLE {SCHEMA}.%I ADD COLUMN %I %s', {}, {}, definition);
             DROP TABLE {SCHEMA}.{PATTERN};
         END $add$",
        text(table),
        text(name)
    );
    attached::execute(connection, doing, &add)?;
    // The extension remembers the columns as they were.
    connection.execute_batch("CALL pg_clear_cache()").doing(doing)
}

/// The table that exists only while a column is added.
const PATTERN: &str = "session_host_pattern";

/// Tells the mirror who owns which table.
fn take_owners(connection: &Connection, mirror: &Connection) -> Result<()> {
    replace_owners(mirror, "", &owners(connection, "")?)
}

/// Records in the database what a migration of a processor changed in the mirror.
fn give_owners(connection: &Connection, mirror: &Connection, processor: &ProcessorName) -> Result<()> {
    let of_processor = format!("WHERE owner = {}", text(processor.as_str()));
    replace_owners(connection, &of_processor, &owners(mirror, &of_processor)?)
}

fn owners(connection: &Connection, chosen: &str) -> Result<Vec<(String, String)>> {
    let doing = "read the owners of the tables";
    let mut statement = connection
        .prepare(&format!("SELECT table_name, owner FROM processor_table {chosen}"))
        .doing(doing)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.and_then(Iterator::collect).doing(doing)
}

fn replace_owners(connection: &Connection, chosen: &str, owners: &[(String, String)]) -> Result<()> {
    let doing = "record the owners of the tables";
    connection
        .execute(&format!("DELETE FROM processor_table {chosen}"), [])
        .doing(doing)?;
    let mut statement = connection
        .prepare("INSERT INTO processor_table VALUES (?, ?)")
        .doing(doing)?;
    owners
        .iter()
        .try_for_each(|(table, owner)| statement.execute(params![table, owner]).map(drop).doing(doing))
}
