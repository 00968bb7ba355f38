//! The tables of a snapshot: its Parquet files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::folders::failed;
use crate::state::{
    engine::{
        instance::{Engine, Link},
        open::{link_to, open_in_memory},
        sql::{quoted, tables, text, views},
    },
    error::{Doing, Result, StateError},
    postgres::mirror::{Mirror, SCHEMA_TEXT},
};

/// Opens an instance whose tables are the files in a folder, with the views and macros of the mirror.
///
/// # Errors
/// When a file is missing or cannot be read, or the schema was another one.
pub(super) fn open_tables(folder: &Path, mirror: &Mirror) -> Result<Engine> {
    let engine = open_in_memory()?;
    let link = link_to(&engine)?;
    for (table, file) in files_in(folder)? {
        let reading = reading(&file);
        let view = format!("CREATE VIEW {} AS {reading}", quoted(&table));
        link.execute_batch(&view).doing("open the tables of a snapshot")?;
    }
    refuse_another_schema(&link, mirror)?;
    mirror.objects.create_alone(&link)?;
    drop(link);
    Ok(engine)
}

/// SQL that gives the rows of a Parquet file.
pub(super) fn reading(file: &Path) -> String {
    format!("FROM system.main.read_parquet({})", text(&file.to_string_lossy()))
}

/// Refuses a snapshot from before or after a migration, or without one of the tables.
fn refuse_another_schema(link: &Link, mirror: &Mirror) -> Result<()> {
    let doing = "read the schema of a snapshot";
    let counting = format!("SELECT system.main.count(*) FROM {SCHEMA_TEXT}");
    let texts: i64 = link.query_row(&counting, [], |row| row.get(0)).doing(doing)?;
    if usize::try_from(texts) != Ok(mirror.texts.len()) {
        return Err(outdated("a migration has changed the tables since".to_owned()));
    }
    match tables(&*link_to(&mirror.engine)?)?.difference(&views(link)?).min() {
        Some(missing) => Err(outdated(format!("the file of the table {missing} is missing"))),
        None => Ok(()),
    }
}

fn outdated(reason: String) -> StateError {
    StateError::SnapshotOutdated { reason }
}

/// The Parquet files in a folder, each with the name of what an export has written to it.
pub(super) fn files_in(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let entries = fs::read_dir(folder).map_err(|source| failed(folder, source))?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .map_err(|source| failed(folder, source))?;
    let files = paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    Ok(files.map(|file| (exported_as(&file), file)).collect())
}

/// The name of what an export has written to a file.
fn exported_as(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    percent_encoding::percent_decode_str(&stem)
        .decode_utf8_lossy()
        .into_owned()
}
