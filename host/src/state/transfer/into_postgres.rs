//! Copies a state from a DuckDB file to a PostgreSQL database.
//!
//! Until the last step, the copy is in a schema of its own, which no host looks at.

use std::path::Path;

use super::{
    copying::Copying,
    ends::{End, Ends, FileAccess},
    error::CopyError,
    mark::{self, MARK, Origin},
    tables,
    texts::{self, Made},
    told::{CopiedTable, Told},
};
use crate::{
    postgres::{PostgresAddress, SCHEMA},
    state::{
        duckdb_file::{
            file::place::refuse_missing,
            open::{open_state::OpenState, recovery::WhileClosed},
            rewrite::copy::remove_leftovers,
        },
        engine::{
            attached::{execute, passed_through},
            sql::{in_transaction, quoted},
        },
        error::{Doing as _, Result, StateError},
        judge::plan::ObjectKind,
        postgres::{attach::Database, bootstrap, mirror::SchemaText, shared_state::OUTSIDER},
    },
    state_place::SharedFolders,
};

/// The schema of an unfinished copy.
const UNFINISHED: &str = "session_host_copy";

const MAKING: &str = "create the tables of the copy";
const FINISHING: &str = "put the copy into its place";

/// Copies the state in a file to a database without a state.
///
/// # Errors
/// As for [`copy_state`](super::copy_state).
pub(super) fn copy(
    from: &Path,
    to: &PostgresAddress,
    folders: SharedFolders,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Vec<CopiedTable>, CopyError> {
    refuse_missing(from)?;
    let database = Database::at(to, folders)?;
    // This migrates the file, and keeps others from it.
    let state = OpenState::open(from, remove_leftovers)?;
    refuse_other_data(&database, to)?;
    state.checkpoint()?;
    let copied = state.while_closed("it is being copied", |file| Ok(copy_closed(file, &database, to, tell)))?;
    match copied {
        WhileClosed::Done(copied) => copied,
        WhileClosed::InUse | WhileClosed::StaysClosed => Err(StateError::InUse {
            path: from.to_owned(),
            holder: "this process".to_owned(),
        }
        .into()),
    }
}

fn copy_closed(
    file: &Path,
    database: &Database,
    to: &PostgresAddress,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Vec<CopiedTable>, CopyError> {
    let ends = Ends::of(database, UNFINISHED, End::Postgres)?;
    ends.attach_file(file, FileAccess::Read)?;
    let made = texts::of_file(&ends)?;
    let texts: Vec<SchemaText> = made.iter().map(|made| made.text.clone()).collect();
    texts::refuse_other_schema(&ends, texts.clone())?;
    let copying = Copying {
        ends: &ends,
        origin: Origin::new(file.display().to_string(), &texts),
        to: to.to_string(),
        remedy: format!("remove it with `DROP SCHEMA {UNFINISHED} CASCADE` in that database"),
        make: &|| make(&ends, &made),
    };
    let copied = copying.copy(tell)?;
    finish(&ends, &texts)?;
    Ok(copied)
}

/// Refuses a database with a state or other tables in its place.
fn refuse_other_data(database: &Database, to: &PostgresAddress) -> Result<(), CopyError> {
    let instance = database.attach(OUTSIDER)?;
    let tables = format!(
        "SELECT count(*) FROM pg_class AS tab JOIN pg_namespace AS space ON space.oid = tab.relnamespace
         WHERE space.nspname = '{SCHEMA}'"
    );
    let tables = instance
        .connection
        .query_row(&passed_through(&tables), [], |row| row.get::<_, i64>(0));
    match tables.doing("look whether the database has a state")? {
        0 => Ok(()),
        _ => Err(CopyError::HasData {
            to: to.to_string(),
            remedy: "another database, or drop the schema `main` there if nobody needs it",
        }),
    }
}

/// Makes the tables in PostgreSQL, in place of those of an unfinished copy. If it cannot take all of them, none is kept.
fn make(ends: &Ends, made: &[Made]) -> Result<(), CopyError> {
    empty(ends)?;
    mark::make(ends)?;
    ends.run(MAKING, &format!("USE {}", ends.schema_at(End::Postgres)))?;
    let mut reasons = Vec::new();
    for object in made {
        if let ObjectKind::Table | ObjectKind::Index = object.kind {
            reasons.extend(make_object(ends, object)?);
        }
    }
    ends.run(MAKING, "USE memory")?;
    if !reasons.is_empty() {
        execute(&ends.connection, MAKING, &format!("DROP SCHEMA {UNFINISHED} CASCADE"))?;
        return Err(CopyError::NotPortable { reasons });
    }
    keep_large_numbers(ends)?;
    Ok(())
}

fn empty(ends: &Ends) -> Result<()> {
    let anew = format!("DROP SCHEMA IF EXISTS {UNFINISHED} CASCADE; CREATE SCHEMA {UNFINISHED}");
    execute(&ends.connection, MAKING, &anew)?;
    forget_columns(ends)
}

/// Makes an object; the reason if PostgreSQL cannot take it.
fn make_object(ends: &Ends, object: &Made) -> Result<Option<String>> {
    let Err(error) = ends.connection.execute_batch(&object.text.sql) else {
        return Ok(None);
    };
    match StateError::of_statement(MAKING, error.into()) {
        StateError::Statement { source, .. } => {
            let said = source.to_string();
            let reason = said.lines().next().unwrap_or_default();
            Ok(Some(format!("the {} `{}`: {reason}", object.kind, object.name)))
        }
        troubled => Err(troubled),
    }
}

/// DuckDB's extension would round them to fractions.
fn keep_large_numbers(ends: &Ends) -> Result<()> {
    for table in tables::tables(ends)? {
        for column in table.columns.iter().filter(|column| column.data_type == "HUGEINT") {
            let alter = format!(
                "ALTER TABLE {UNFINISHED}.{} ALTER COLUMN {} TYPE numeric(38, 0)",
                quoted(&table.name),
                quoted(&column.name)
            );
            execute(&ends.connection, MAKING, &alter)?;
        }
    }
    forget_columns(ends)
}

/// The extension remembers tables and columns as they were.
fn forget_columns(ends: &Ends) -> Result<()> {
    ends.run(MAKING, "CALL pg_clear_cache()")
}

/// Turns the compared copy into a state, in one transaction.
fn finish(ends: &Ends, texts: &[SchemaText]) -> Result<()> {
    in_transaction(&ends.connection, FINISHING, |connection| {
        // The schema may be there without a table.
        let place = format!(
            "DROP TABLE {UNFINISHED}.{MARK}; DROP SCHEMA IF EXISTS {SCHEMA}; ALTER SCHEMA {UNFINISHED} RENAME TO {SCHEMA}"
        );
        execute(connection, FINISHING, &place)?;
        bootstrap::create_own_tables(connection)?;
        texts
            .iter()
            .try_for_each(|text| bootstrap::record_text(connection, &text.owner, &text.sql))?;
        bootstrap::let_parameters_change(connection)?;
        bootstrap::sort_by_bytes(connection)
    })
}
