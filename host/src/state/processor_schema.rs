//! A processor's own tables: its migrations, who owns what, and what a session table must be.

use std::sync::Arc;

use duckdb::{Connection, params};
use session_plugin_api::Migration;

use super::{
    error::{Doing, StateError},
    migration::{self, in_transaction},
    open::State,
    owners::Owners,
    schema::{self, table_exists},
    statement,
    table::{SessionTable, keys_and_indexes},
    writer::quoted,
};
use crate::names::ProcessorName;

/// Why a processor's tables are not taken.
#[derive(Debug, thiserror::Error)]
pub enum SchemaRefused {
    /// The versions are not 1, 2, 3, ...
    #[error("migrations are numbered 1, 2, 3 and so on: where {expected} was expected, there is {found}")]
    Order {
        /// The version that should come.
        expected: u32,
        /// The version that comes.
        found: u32,
    },
    /// The state has seen a newer version of the plugin.
    #[error(
        "the state has this processor's tables at version {recorded}, the plugin knows versions up to {known}: use the newer plugin"
    )]
    Newer {
        /// The version in the state.
        recorded: u32,
        /// The newest version of the plugin.
        known: u32,
    },
    /// A migration that was applied reads differently now.
    #[error("migration {version} was applied with other SQL: never change a released migration, add a further one")]
    Changed {
        /// The migration.
        version: u32,
    },
    /// A migration holds a statement that is none of its business.
    #[error("migration {version} holds a statement that begins with {found}: it takes {}", MIGRATING.join(", "))]
    Keyword {
        /// The migration.
        version: u32,
        /// The statement's first word.
        found: String,
    },
    /// A migration touches what belongs to another.
    #[error("migration {version} touches `{table}`, which belongs to {owner}")]
    Foreign {
        /// The migration.
        version: u32,
        /// The table or view.
        table: String,
        /// Who made it.
        owner: String,
    },
    /// A migration's SQL fails.
    #[error("migration {version}: {source}")]
    Failed {
        /// The migration.
        version: u32,
        /// What DuckDB says.
        source: duckdb::Error,
    },
    /// A declared session table does not exist.
    #[error("session table `{0}` does not exist: make it in a migration")]
    MissingTable(String),
    /// A declared session table belongs to another.
    #[error("session table `{table}` belongs to {owner}")]
    ForeignTable {
        /// The table.
        table: String,
        /// Who made it.
        owner: String,
    },
    /// A session table has no column for the session.
    #[error("session table `{0}` has no column `session_file` of type VARCHAR")]
    NoSessionFile(String),
    /// A session table has a key or an index.
    #[error(
        "session table `{table}` has `{key}`: the host replaces whole sessions in it, so it must have no key, unique constraint or index"
    )]
    Keyed {
        /// The table.
        table: String,
        /// The key or index, as SQL.
        key: String,
    },
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Applies a processor's outstanding migrations and checks its session tables.
///
/// # Errors
/// When the processor cannot be used with this state. Nothing of the migration that failed is kept.
pub fn prepare_processor(
    state: &State,
    processor: &ProcessorName,
    migrations: &[Migration],
    session_tables: &[String],
) -> Result<Vec<Arc<SessionTable>>, SchemaRefused> {
    let writer = state.writer();
    let connection = writer.connection();
    let outstanding = outstanding(connection, processor, migrations)?;
    for migration in outstanding {
        in_transaction(connection, "apply a migration", |connection| {
            apply(connection, processor, migration)
        })?;
        state.note_changed_schema();
        tracing::info!(%processor, version = migration.version(), title = migration.title(), "applied a migration");
    }
    session_tables
        .iter()
        .map(|table| session_table(connection, processor, table))
        .collect()
}

fn outstanding<'a>(
    connection: &Connection,
    processor: &ProcessorName,
    migrations: &'a [Migration],
) -> Result<&'a [Migration], SchemaRefused> {
    for (expected, migration) in (1..).zip(migrations) {
        if migration.version() != expected {
            return Err(SchemaRefused::Order {
                expected,
                found: migration.version(),
            });
        }
    }
    let applied = migration::applied(connection, processor.as_str())?;
    if applied.len() > migrations.len() {
        return Err(SchemaRefused::Newer {
            recorded: applied.last().map_or(0, |applied| applied.version),
            known: u32::try_from(migrations.len()).unwrap_or(u32::MAX),
        });
    }
    let changed = applied
        .iter()
        .zip(migrations)
        .find(|(applied, given)| applied.checksum != migration::checksum(given.sql()));
    match changed {
        Some((applied, _)) => Err(SchemaRefused::Changed {
            version: applied.version,
        }),
        None => Ok(&migrations[applied.len()..]),
    }
}

/// What a migration's statements begin with: transactions are the host's, and other files are not the processor's.
const MIGRATING: [&str; 8] = [
    "CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE", "MERGE", "COMMENT",
];

fn apply(connection: &Connection, processor: &ProcessorName, migration: &Migration) -> Result<(), SchemaRefused> {
    let version = migration.version();
    for sql in statement::split(migration.sql()) {
        let found = statement::keyword(sql);
        if !MIGRATING.contains(&found.as_str()) {
            return Err(SchemaRefused::Keyword { version, found });
        }
        let target = statement::target(sql);
        if let Some(table) = &target {
            refuse_foreign(connection, processor, version, table)?;
        }
        let made = target.filter(|_| statement::keyword(sql) == "CREATE");
        match made {
            Some(table) => create(connection, processor, version, sql, &table)?,
            None => run(connection, version, sql)?,
        }
    }
    let checksum = migration::checksum(migration.sql());
    Ok(migration::record(connection, processor.as_str(), version, &checksum)?)
}

fn run(connection: &Connection, version: u32, sql: &str) -> Result<(), SchemaRefused> {
    connection
        .execute_batch(sql)
        .map_err(|source| SchemaRefused::Failed { version, source })
}

/// Runs a `CREATE`; a table of an older system that stands in its way is moved aside, unless it is of the same shape.
fn create(
    connection: &Connection,
    processor: &ProcessorName,
    version: u32,
    sql: &str,
    table: &str,
) -> Result<(), SchemaRefused> {
    let in_the_way = table_exists(connection, table)? && Owners::read(connection)?.of(table).is_none();
    if in_the_way {
        schema::move_aside(connection, table)?;
    }
    run(connection, version, sql)?;
    if in_the_way && same_shape(connection, table)? {
        let legacy = quoted(&schema::legacy_name(table));
        let sql = format!(
            "INSERT INTO {} SELECT * FROM {legacy}; DROP TABLE {legacy}",
            quoted(table)
        );
        run(connection, version, &sql)?;
    }
    let sql = "INSERT INTO processor_table VALUES (?, ?) ON CONFLICT DO NOTHING";
    connection
        .execute(sql, params![table, processor.as_str()])
        .doing("note who owns a table")?;
    Ok(())
}

fn same_shape(connection: &Connection, table: &str) -> Result<bool, StateError> {
    let sql = "SELECT count(*) = 0 FROM (
                   (SELECT column_index, column_name, data_type FROM duckdb_columns() WHERE table_name = ?1
                    EXCEPT SELECT column_index, column_name, data_type FROM duckdb_columns() WHERE table_name = ?2)
                   UNION ALL
                   (SELECT column_index, column_name, data_type FROM duckdb_columns() WHERE table_name = ?2
                    EXCEPT SELECT column_index, column_name, data_type FROM duckdb_columns() WHERE table_name = ?1))";
    let parameters = params![table, schema::legacy_name(table)];
    connection
        .query_row(sql, parameters, |row| row.get(0))
        .doing("compare two tables")
}

fn refuse_foreign(
    connection: &Connection,
    processor: &ProcessorName,
    version: u32,
    table: &str,
) -> Result<(), SchemaRefused> {
    match Owners::read(connection)?.of(table) {
        Some(owner) if owner != processor.as_str() => Err(SchemaRefused::Foreign {
            version,
            table: table.to_owned(),
            owner: owner.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn session_table(
    connection: &Connection,
    processor: &ProcessorName,
    name: &str,
) -> Result<Arc<SessionTable>, SchemaRefused> {
    let table = SessionTable::read(connection, name)?.ok_or_else(|| SchemaRefused::MissingTable(name.to_owned()))?;
    let owners = Owners::read(connection)?;
    let owner = owners.of(name).unwrap_or("no processor");
    if owner != processor.as_str() {
        return Err(SchemaRefused::ForeignTable {
            table: name.to_owned(),
            owner: owner.to_owned(),
        });
    }
    if !table.has_session_file() {
        return Err(SchemaRefused::NoSessionFile(name.to_owned()));
    }
    match keys_and_indexes(connection, name)?.into_iter().next() {
        Some(key) => Err(SchemaRefused::Keyed {
            table: name.to_owned(),
            key,
        }),
        None => Ok(Arc::new(table)),
    }
}
