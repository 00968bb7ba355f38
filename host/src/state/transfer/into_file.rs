//! Copies a state from a PostgreSQL database to a DuckDB file.
//!
//! Until the last step, the copy has another name, with the ending `.copying`.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    copying::Copying,
    ends::{End, Ends, FILE, FileAccess},
    error::CopyError,
    mark::{self, MARK, Origin},
    tables,
    told::{CopiedTable, Told},
};
use crate::{
    cluster::Standstill,
    postgres::{PostgresAddress, SCHEMA},
    state::{
        duckdb_file::file::{
            lock::StateLock,
            paths::{beside, files_of, sync_folder, wal_of},
            place::{make_folder, refuse_odd_files, refuse_unwritable_folder},
        },
        engine::{
            attached::passed_through,
            open::link_to,
            sql::{self, quoted},
        },
        error::{Doing as _, Result, StateError},
        postgres::{
            attach::Database,
            bootstrap, era, is_of_shared_state,
            mirror::{Mirror, SchemaText},
            shared_state::OUTSIDER,
        },
    },
    state_place::SharedFolders,
};

const MAKING: &str = "create the tables of the copy";

/// Copies the state in a database to a file that does not exist.
///
/// # Errors
/// As for [`copy_state`](super::copy_state).
pub(super) fn copy(
    from: &PostgresAddress,
    folders: SharedFolders,
    to: &Path,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Vec<CopiedTable>, CopyError> {
    make_folder(to)?;
    refuse_unwritable_folder(to)?;
    let unfinished = unfinished_of(to);
    refuse_odd_files(&unfinished)?;
    let _lock = StateLock::take(to)?;
    refuse_other_data(to)?;
    let database = Database::at(from, folders)?;
    migrate(&database, from)?;
    let mut standstill = Standstill::begin(from)?;
    let ends = Ends::of(&database, SCHEMA, End::File)?;
    let texts = texts(&ends, from)?;
    attach_unfinished(&ends, &unfinished)?;
    let copying = Copying {
        ends: &ends,
        origin: Origin::new(from.to_string(), &texts),
        to: to.display().to_string(),
        remedy: format!("remove {}", unfinished.display()),
        make: &|| make(&ends, &unfinished, &texts),
    };
    let copied = copying.copy(tell)?;
    standstill.has_held()?;
    finish(&ends, &unfinished, to)?;
    Ok(copied)
}

/// The path of an unfinished copy.
fn unfinished_of(to: &Path) -> PathBuf {
    beside(to, ".copying")
}

fn refuse_other_data(to: &Path) -> Result<(), CopyError> {
    match files_of(to).iter().any(|file| fs::symlink_metadata(file).is_ok()) {
        true => Err(CopyError::HasData {
            to: to.display().to_string(),
            remedy: "a file that does not exist",
        }),
        false => Ok(()),
    }
}

/// Migrates the host's own tables, as every host does. Refuses a database without a state.
fn migrate(database: &Database, from: &PostgresAddress) -> Result<(), CopyError> {
    let instance = database.attach(OUTSIDER)?;
    match bootstrap::is_there(&instance.connection)? {
        true => Ok(bootstrap::bring_up_to_date(database, &instance.connection)?),
        false => Err(CopyError::NoState { from: from.to_string() }),
    }
}

/// The texts that made the schema. Each host can make its mirror of them, so DuckDB takes them.
///
/// # Errors
/// When the database has a table that they do not make, because the copy would lack it.
fn texts(ends: &Ends, from: &PostgresAddress) -> Result<Vec<SchemaText>, CopyError> {
    ends.run(MAKING, &format!("USE {}", ends.schema_at(End::Postgres)))?;
    let texts = era::texts(&ends.connection);
    ends.run(MAKING, "USE memory")?;
    let mirror = Mirror::of(texts?)?;
    let made = sql::tables(&*link_to(&mirror.engine)?)?;
    let is_known = |name: &String| is_of_shared_state(name) || made.contains(name);
    match tables_in_postgres(ends)?.into_iter().find(|name| !is_known(name)) {
        None => Ok(mirror.texts),
        Some(table) => Err(CopyError::ForeignTable {
            table,
            from: from.to_string(),
        }),
    }
}

fn tables_in_postgres(ends: &Ends) -> Result<Vec<String>> {
    let doing = "list the tables of the state";
    let listing = format!(
        "SELECT tab.relname AS name FROM pg_class AS tab JOIN pg_namespace AS space ON space.oid = tab.relnamespace
         WHERE space.nspname = '{SCHEMA}' AND tab.relkind = 'r' ORDER BY name"
    );
    let mut statement = ends.connection.prepare(&passed_through(&listing)).doing(doing)?;
    let found = statement.query_map([], |row| row.get(0));
    found.and_then(Iterator::collect).doing(doing)
}

/// Attaches an unfinished copy, or a new file. Refuses a file that is neither, because whoever made it may need it.
fn attach_unfinished(ends: &Ends, unfinished: &Path) -> Result<(), CopyError> {
    let was_there = fs::symlink_metadata(unfinished).is_ok();
    match ends.attach_file(unfinished, FileAccess::Write) {
        Err(reason) if was_there => Err(CopyError::UnreadableCopy {
            copy: unfinished.to_owned(),
            reason,
        }),
        Err(error) => Err(error.into()),
        Ok(()) if mark::is_there(ends)? || tables::are_none(ends)? => Ok(()),
        Ok(()) => Err(CopyError::HasData {
            to: unfinished.display().to_string(),
            remedy: "another target, or move that file away",
        }),
    }
}

/// Makes the tables in a new file, in place of an unfinished copy.
fn make(ends: &Ends, unfinished: &Path, texts: &[SchemaText]) -> Result<(), CopyError> {
    ends.detach_file()?;
    remove(unfinished)?;
    ends.attach_file(unfinished, FileAccess::Write)?;
    // The mark comes first: a file without it belongs to somebody else.
    mark::make(ends)?;
    ends.run(MAKING, &format!("USE {FILE}"))?;
    texts.iter().try_for_each(|text| ends.run(MAKING, &text.sql))?;
    ends.run(MAKING, "USE memory")?;
    // A migration may have written rows. All rows come from the source.
    for table in tables::tables(ends)?.iter().rev() {
        let delete = format!("DELETE FROM {}", ends.place_of(End::File, &table.name));
        ends.run(MAKING, &delete)?;
    }
    Ok(())
}

fn remove(unfinished: &Path) -> Result<()> {
    for file in [wal_of(unfinished), unfinished.to_owned()] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&file, error)),
            _ => {}
        }
    }
    Ok(())
}

/// Turns the compared copy into a state, by its name.
fn finish(ends: &Ends, unfinished: &Path, to: &Path) -> Result<()> {
    let last = format!("DROP TABLE {FILE}.main.{}; CHECKPOINT {FILE}", quoted(MARK));
    ends.run("put the copy into its place", &last)?;
    ends.detach_file()?;
    let placed = File::open(unfinished)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(unfinished, to))
        .and_then(|()| sync_folder(to));
    placed.map_err(|error| failed(unfinished, error))
}

fn failed(copy: &Path, source: io::Error) -> StateError {
    StateError::Copy {
        copy: copy.to_owned(),
        source,
    }
}
