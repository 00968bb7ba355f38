//! Snapshots: copies of all tables as Parquet files, from which DuckDB answers reports of large installations.
//!
//! DuckDB reads PostgreSQL's tables row by row, which takes more than a second for millions of rows. It reads Parquet
//! files in a fraction of that. One host writes a snapshot at intervals, in one transaction, so that all of its tables are
//! of the same moment. All hosts read the newest one, and say of when it is.
//!
//! A snapshot is a folder, named by its time. It is complete once it has that name.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use session_plugin_api::Timestamp;

use super::mirror::LocalObjects;
use crate::{
    clock,
    state::{
        engine::{
            instance::{Engine, Link},
            open::{link_to, lock, open_in_memory},
            sql::{in_transaction, quoted, text},
        },
        error::{Doing, Result, StateError},
        query::export::export,
    },
};

/// How many snapshots are kept: somebody may still read the one before the newest.
const KEPT: usize = 2;

/// The ending of the name of a snapshot that is not complete.
const PARTIAL: &str = ".partial";

/// A complete snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    folder: PathBuf,
    /// When its transaction began.
    pub(super) taken_at: Timestamp,
}

/// Writes a snapshot into a folder of snapshots through a link that nothing else uses and whose SQL may write there.
/// Removes all older ones but the last.
pub(super) fn write(link: &Link, snapshots: &Path) -> Result<Snapshot> {
    let taken_at = clock::now();
    let name = taken_at.as_micros().to_string();
    let partial = snapshots.join(format!("{name}{PARTIAL}"));
    fs::create_dir_all(&partial).map_err(|source| failed(&partial, source))?;
    in_transaction(link, "write a snapshot", |_| export(link, &partial))?;
    let folder = snapshots.join(name);
    fs::rename(&partial, &folder).map_err(|source| failed(&folder, source))?;
    for older in all(snapshots).into_iter().skip(KEPT) {
        fs::remove_dir_all(&older.folder).map_err(|source| failed(&older.folder, source))?;
    }
    Ok(Snapshot { folder, taken_at })
}

/// Removes all snapshots, because they hold what was forgotten.
pub(super) fn remove_all(snapshots: &Path) -> Result<()> {
    all(snapshots).into_iter().try_for_each(|snapshot| {
        fs::remove_dir_all(&snapshot.folder).map_err(|source| failed(&snapshot.folder, source))
    })
}

/// The newest snapshot in a folder of snapshots.
pub(super) fn newest(snapshots: &Path) -> Option<Snapshot> {
    all(snapshots).into_iter().next()
}

/// All complete snapshots, newest first. A folder that cannot be read has none.
fn all(snapshots: &Path) -> Vec<Snapshot> {
    let entries = fs::read_dir(snapshots).into_iter().flatten().flatten();
    let complete = entries.filter_map(|entry| {
        let micros = entry.file_name().to_str()?.parse().ok()?;
        Some(Snapshot {
            folder: entry.path(),
            taken_at: Timestamp::from_micros(micros),
        })
    });
    let mut complete: Vec<Snapshot> = complete.collect();
    complete.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.taken_at));
    complete
}

impl Snapshot {
    /// Opens an instance whose tables are the files of the snapshot, with these views and macros.
    pub(super) fn open(&self, objects: &LocalObjects) -> Result<Engine> {
        let engine = open_in_memory()?;
        let link = link_to(&engine)?;
        for file in self.files()? {
            let table = table_of(&file);
            let view = format!(
                "CREATE VIEW {} AS FROM system.main.read_parquet({})",
                quoted(&table),
                text(&file.to_string_lossy())
            );
            link.execute_batch(&view).doing("open the tables of a snapshot")?;
        }
        objects.create_alone(&link)?;
        let folder = text(&format!("{}/", self.folder.to_string_lossy()));
        link.execute_batch(&format!("SET GLOBAL allowed_directories = [{folder}]"))
            .doing("set the folder of the snapshot")?;
        lock(&link)?;
        drop(link);
        Ok(engine)
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.folder).map_err(|source| failed(&self.folder, source))?;
        let files = entries.map(|entry| entry.map(|entry| entry.path()));
        files
            .collect::<io::Result<_>>()
            .map_err(|source| failed(&self.folder, source))
    }
}

/// The name of the table that an export has written to a file.
fn table_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    percent_encoding::percent_decode_str(&stem)
        .decode_utf8_lossy()
        .into_owned()
}

fn failed(path: &Path, source: io::Error) -> StateError {
    StateError::Snapshot {
        path: path.to_owned(),
        source,
    }
}
