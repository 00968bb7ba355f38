//! Copies a state file: without the deleted rows, and to the storage version of new files. DuckDB leaves the text of deleted
//! rows in blocks that it may reuse, and neither a checkpoint nor VACUUM removes it.

use std::{
    fmt,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use duckdb::{Connection, params};

use crate::state::{
    duckdb_file::file::paths::{beside, sync_folder, wal_of},
    engine::{
        instance::{Access, Engine},
        open::{STORAGE, link_to},
        sql::{contents_of, quoted, text},
    },
    error::{Doing as _, Result, StateError},
    trouble::Trouble,
};

/// What the host is doing, for errors.
const COPYING: &str = "copy the state";

/// The parts of the catalogue that a copy must share with its source.
pub(crate) const CATALOGUE: [(&str, &str); 8] = [
    (
        "schemas",
        "schema_name, comment FROM duckdb_schemas() WHERE NOT internal",
    ),
    (
        "types",
        "schema_name, type_name, logical_type, labels, comment FROM duckdb_types() WHERE NOT internal",
    ),
    (
        "sequences",
        "schema_name, sequence_name, last_value, sql, comment FROM duckdb_sequences() WHERE true",
    ),
    (
        "tables",
        "schema_name, table_name, sql, comment FROM duckdb_tables() WHERE NOT internal",
    ),
    (
        "columns",
        "schema_name, table_name, column_index, column_name, data_type, column_default, is_nullable, comment FROM duckdb_columns() WHERE NOT internal",
    ),
    (
        // DuckDB writes the parts of a view's SQL in another order at times.
        "views",
        "schema_name, view_name, column_count, comment FROM duckdb_views() WHERE NOT internal",
    ),
    (
        "indexes",
        "schema_name, table_name, index_name, sql, comment FROM duckdb_indexes() WHERE true",
    ),
    (
        "macros",
        "schema_name, function_name, function_type, parameters, macro_definition, comment FROM duckdb_functions() WHERE NOT internal",
    ),
];

/// The path of the copy.
fn place_of(state: &Path) -> PathBuf {
    beside(state, ".purged")
}

/// Removes what an unfinished copy has left.
///
/// # Errors
/// When the system refuses.
pub(crate) fn remove_leftovers(state: &Path) -> Result<()> {
    let copy = place_of(state);
    for file in [wal_of(&copy), copy] {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(state, error)),
            _ => {}
        }
    }
    Ok(())
}

/// Replaces a state file by its copy. The file must be closed, and its WAL empty.
///
/// # Errors
/// When the copy cannot be made or lacks anything. The state file is unchanged then.
pub(crate) fn replace(state: &Path) -> Result<()> {
    remove_leftovers(state)?;
    refuse_without_room(state)?;
    let replaced = make(state).and_then(|()| put_into_place(state).map_err(|error| failed(state, error)));
    if replaced.is_err() {
        remove_leftovers(state)?;
    }
    replaced
}

fn refuse_without_room(state: &Path) -> Result<()> {
    const MARGIN: u64 = 8 << 20;
    let file = File::open(state).map_err(|error| failed(state, error))?;
    let needed = file.metadata().map_err(|error| failed(state, error))?.len() + MARGIN;
    match rustix::fs::fstatvfs(&file) {
        Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < needed => Err(StateError::Troubled {
            doing: COPYING.to_owned(),
            said: format!("fewer than {needed} bytes are free"),
            trouble: Trouble::Full,
        }),
        _ => Ok(()),
    }
}

/// Replaces the file in one step, so that whoever opens the state finds either the old file or the new one.
fn put_into_place(state: &Path) -> io::Result<()> {
    let copy = place_of(state);
    let file = File::open(&copy)?;
    // The new file gets the owner of the old one, whoever purges the state.
    let was = fs::metadata(state)?;
    file.set_permissions(was.permissions())?;
    std::os::unix::fs::fchown(&file, Some(was.uid()), Some(was.gid()))?;
    file.sync_all()?;
    fs::rename(&copy, state)?;
    sync_folder(state)
}

fn make(state: &Path) -> Result<()> {
    let options = [("temp_directory", ""), ("max_memory", "2GB")];
    let engine = Engine::open(Path::new(":memory:"), Access::ReadWrite, &options).doing(COPYING)?;
    let link = link_to(&engine)?;
    let attach = format!(
        "ATTACH {} AS source (READ_ONLY); ATTACH {} AS target (STORAGE_VERSION {}); COPY FROM DATABASE source TO target (SCHEMA)",
        text(&state.to_string_lossy()),
        text(&place_of(state).to_string_lossy()),
        text(STORAGE)
    );
    link.execute_batch(&attach).doing(COPYING)?;
    let tables = tables(&link)?;
    copy_rows(&link, tables.iter().collect())?;
    link.execute_batch("CHECKPOINT target").doing(COPYING)?;
    compare_catalogues(&link)?;
    tables.iter().try_for_each(|table| compare_rows(&link, table))?;
    link.execute_batch("DETACH target; DETACH source").doing(COPYING)
}

/// A table of the source.
struct Table {
    schema: String,
    name: String,
}

impl fmt::Display for Table {
    /// The table as SQL names it after the name of its database.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}

fn tables(connection: &Connection) -> Result<Vec<Table>> {
    let sql = "SELECT schema_name, table_name FROM duckdb_tables()
               WHERE database_name = 'source' AND NOT internal ORDER BY ALL";
    let mut statement = connection.prepare(sql).doing(COPYING)?;
    let names = statement.query_map([], |row| {
        Ok(Table {
            schema: row.get(0)?,
            name: row.get(1)?,
        })
    });
    names.and_then(Iterator::collect).doing(COPYING)
}

/// Copies the rows of all tables. A table that refers to another comes after it.
fn copy_rows(connection: &Connection, mut tables: Vec<&Table>) -> Result<()> {
    while !tables.is_empty() {
        let mut waiting = Vec::new();
        let mut refused = None;
        for table in &tables {
            if let Err(error) = copy_table(connection, table) {
                waiting.push(*table);
                refused = Some(error);
            }
        }
        match refused {
            Some(error) if waiting.len() == tables.len() => return Err(error),
            _ => tables = waiting,
        }
    }
    Ok(())
}

fn copy_table(connection: &Connection, table: &Table) -> Result<()> {
    let columns = stored_columns(connection, table)?.join(", ");
    connection.execute_batch(&copying(table, &columns)).doing(COPYING)
}

/// The statement that copies columns of a table.
fn copying(table: &Table, columns: &str) -> String {
    format!("INSERT INTO target.{table} ({columns}) SELECT {columns} FROM source.{table}")
}

/// The columns that hold values, quoted. Generated ones are computed.
fn stored_columns(connection: &Connection, table: &Table) -> Result<Vec<String>> {
    let sql = "SELECT column_name FROM duckdb_columns()
               WHERE database_name = 'source' AND schema_name = ? AND table_name = ? ORDER BY column_index";
    let mut statement = connection.prepare(sql).doing(COPYING)?;
    let names = statement.query_map(params![table.schema, table.name], |row| row.get::<_, String>(0));
    let names: Vec<String> = names.and_then(Iterator::collect).doing(COPYING)?;
    let mut stored = Vec::with_capacity(names.len());
    for name in names {
        let name = quoted(&name);
        // No catalogue reliably lists the generated columns of a table with any name, but DuckDB's binder knows them.
        match connection.prepare(&copying(table, &name)) {
            Err(error) if error.to_string().contains("Cannot insert into a generated column") => {}
            prepared => {
                prepared.map(drop).doing(COPYING)?;
                stored.push(name);
            }
        }
    }
    Ok(stored)
}

fn compare_catalogues(connection: &Connection) -> Result<()> {
    CATALOGUE.iter().try_for_each(|(what, question)| {
        let of = |database: &str| format!("SELECT {question} AND database_name = '{database}'");
        is_same(connection, what, &of("source"), &of("target"))
    })
}

fn compare_rows(connection: &Connection, table: &Table) -> Result<()> {
    let of = |database: &str| contents_of(&format!("{database}.{table}"));
    is_same(connection, &table.to_string(), &of("source"), &of("target"))
}

/// Whether two queries return the same rows.
fn is_same(connection: &Connection, what: &str, one: &str, other: &str) -> Result<()> {
    let sql = format!("SELECT count(*) = 0 FROM (({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one}))");
    match connection.query_row(&sql, [], |row| row.get(0)).doing(COPYING)? {
        true => Ok(()),
        false => Err(StateError::CopyDiffers { what: what.to_owned() }),
    }
}

fn failed(state: &Path, source: io::Error) -> StateError {
    StateError::Copy {
        copy: place_of(state),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_with_other_duplicate_rows_is_rejected() {
        let engine = Engine::open(Path::new(":memory:"), Access::ReadWrite, &[]).unwrap();
        let link = link_to(&engine).unwrap();
        let sql = "ATTACH ':memory:' AS source; ATTACH ':memory:' AS target;
                   CREATE TABLE source.t AS FROM (VALUES (1), (1)) AS t(x);
                   CREATE TABLE target.t AS FROM (VALUES (2), (2)) AS t(x)";
        link.execute_batch(sql).unwrap();
        let table = Table {
            schema: "main".to_owned(),
            name: "t".to_owned(),
        };
        let compared = compare_rows(&link, &table);
        assert!(matches!(compared, Err(StateError::CopyDiffers { .. })), "{compared:?}");
    }
}
