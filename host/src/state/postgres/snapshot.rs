//! Snapshots: copies of all tables as Parquet files, from which DuckDB answers reports of large installations.
//!
//! DuckDB reads PostgreSQL's tables row by row, which takes more than a second for millions of rows. It reads Parquet
//! files in a fraction of that. One host writes a snapshot at intervals, in one transaction, so that all of its tables are
//! of the same moment. All hosts read the newest one, and say of when it is.
//!
//! A snapshot is a folder, named by its time. It is complete once it has that name. Until then, and while it is removed, an
//! ending of the name says so.
//!
//! A snapshot that is being written may have read a session that is forgotten meanwhile. Its folder is there before its
//! transaction begins, and forgetting removes all folders after its commit. So either the transaction shows nothing of the
//! session, or the folder is gone and the snapshot fails.

use std::{
    collections::HashSet,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use session_plugin_api::Timestamp;

use super::mirror::{Mirror, SCHEMA_TEXT};
use crate::{
    clock,
    state::{
        engine::{
            instance::{Engine, Link},
            open::{link_to, lock, open_in_memory},
            sql::{in_transaction, quoted, tables, text},
        },
        error::{Doing, Result, StateError},
        query::export::export,
    },
};

/// How many snapshots are kept: somebody may still read the one before the newest.
const KEPT: usize = 2;

/// The ending of the name of a snapshot that is not complete.
const PARTIAL: &str = ".partial";

/// The ending of the name of one that is being removed.
const REMOVED: &str = ".removed";

/// A complete snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    folder: PathBuf,
    /// When its transaction began.
    pub(super) taken_at: Timestamp,
}

/// The snapshot that was read last.
pub(super) struct OpenedSnapshot {
    pub(super) snapshot: Snapshot,
    /// The mirror that it has the views and macros of.
    mirror: Arc<Mirror>,
    /// `None` if it cannot be read. Nobody tries again then, because each report would wait for that.
    pub(super) engine: Option<Engine>,
}

/// Writes a snapshot into a folder of snapshots through a link that nothing else uses and whose SQL may write there.
/// Removes all older ones but the last, and what an older attempt has left.
pub(super) fn write(link: &Link, snapshots: &Path) -> Result<Snapshot> {
    let taken_at = clock::now();
    let name = taken_at.as_micros().to_string();
    let partial = snapshots.join(format!("{name}{PARTIAL}"));
    fs::create_dir_all(&partial).map_err(|source| failed(&partial, source))?;
    let folder = snapshots.join(name);
    let written = in_transaction(link, "write a snapshot", |_| export(link, &partial)).and_then(|_| {
        let renamed = fs::rename(&partial, &folder);
        renamed.map_err(|source| failed(&folder, source))
    });
    if let Err(error) = written {
        // It may have filled the disk.
        let _ = remove(&partial);
        return Err(error);
    }
    let older = all(snapshots).into_iter().skip(KEPT).map(|older| older.folder);
    let left = unfinished(snapshots).into_iter().filter(|(began, _)| *began < taken_at);
    older
        .chain(left.map(|(_, folder)| folder))
        .try_for_each(|folder| remove(&folder))?;
    Ok(Snapshot { folder, taken_at })
}

/// Removes all snapshots, because they hold what was forgotten. One that is being written fails.
pub(super) fn remove_all(snapshots: &Path) -> Result<()> {
    let complete = all(snapshots).into_iter().map(|snapshot| snapshot.folder);
    let unfinished = unfinished(snapshots).into_iter().map(|(_, folder)| folder);
    complete.chain(unfinished).try_for_each(|folder| remove(&folder))
}

/// Removes the folder of a snapshot, complete or not. Nobody finds it or adds a file to it meanwhile.
fn remove(folder: &Path) -> Result<()> {
    let away = folder.with_extension(&REMOVED[1..]);
    let removed = match folder == away {
        true => Ok(()),
        false => fs::rename(folder, &away),
    };
    match removed.and_then(|()| fs::remove_dir_all(&away)) {
        // Another host removes it, too.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|source| failed(folder, source)),
    }
}

/// The newest snapshot in a folder of snapshots.
pub(super) fn newest(snapshots: &Path) -> Option<Snapshot> {
    all(snapshots).into_iter().next()
}

/// All complete snapshots, newest first. A folder that cannot be read has none.
fn all(snapshots: &Path) -> Vec<Snapshot> {
    let mut complete: Vec<Snapshot> = named(snapshots, |name| name.strip_suffix(""))
        .map(|(taken_at, folder)| Snapshot { folder, taken_at })
        .collect();
    complete.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.taken_at));
    complete
}

/// What is not complete, or no longer, with the time of its beginning.
fn unfinished(snapshots: &Path) -> Vec<(Timestamp, PathBuf)> {
    named(snapshots, |name| {
        name.strip_suffix(PARTIAL).or_else(|| name.strip_suffix(REMOVED))
    })
    .collect()
}

/// The folders whose names have such a part that is a time.
fn named(snapshots: &Path, time_in: fn(&str) -> Option<&str>) -> impl Iterator<Item = (Timestamp, PathBuf)> {
    let entries = fs::read_dir(snapshots).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let micros = time_in(entry.file_name().to_str()?)?.parse().ok()?;
        Some((Timestamp::from_micros(micros), entry.path()))
    })
}

impl OpenedSnapshot {
    /// Opens a snapshot for reports, with the views and macros of the mirror.
    pub(super) fn open(snapshot: Snapshot, mirror: Arc<Mirror>) -> Self {
        let opened = snapshot.open(&mirror);
        if let Err(error) = &opened {
            let folder = snapshot.folder.display();
            tracing::warn!("reports come from PostgreSQL until the next snapshot: {folder} cannot be read: {error}");
        }
        Self {
            snapshot,
            mirror,
            engine: opened.ok(),
        }
    }

    /// Whether it is this snapshot, with the views and macros of this mirror.
    pub(super) fn is_of(&self, snapshot: &Snapshot, mirror: &Arc<Mirror>) -> bool {
        self.snapshot == *snapshot && Arc::ptr_eq(&self.mirror, mirror)
    }
}

impl Snapshot {
    /// Opens an instance whose tables are the files of the snapshot, with the views and macros of the mirror.
    ///
    /// # Errors
    /// When a file is missing or cannot be read, or the schema was another one.
    fn open(&self, mirror: &Mirror) -> Result<Engine> {
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
        refuse_another_schema(&link, mirror)?;
        mirror.objects.create_alone(&link)?;
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

/// Refuses a snapshot from before or after a migration, or without one of the tables.
fn refuse_another_schema(link: &Link, mirror: &Mirror) -> Result<()> {
    let refused = |reason: String| StateError::Unreadable {
        what: "the snapshot",
        reason,
    };
    let doing = "read the schema of a snapshot";
    let counting = format!("SELECT system.main.count(*) FROM {SCHEMA_TEXT}");
    let texts: i64 = link.query_row(&counting, [], |row| row.get(0)).doing(doing)?;
    if usize::try_from(texts) != Ok(mirror.texts.len()) {
        return Err(refused("a migration has changed the tables since".to_owned()));
    }
    let listing = "SELECT view_name FROM system.main.duckdb_views() WHERE NOT internal AND NOT temporary";
    let mut statement = link.prepare(listing).doing(doing)?;
    let rows = statement.query_map([], |row| row.get(0));
    let known: HashSet<String> = rows.and_then(Iterator::collect).doing(doing)?;
    match tables(&*link_to(&mirror.engine)?)?.difference(&known).min() {
        Some(missing) => Err(refused(format!("the file of the table {missing} is missing"))),
        None => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_of(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("t.parquet"), "").unwrap();
        }
        folder
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_a_complete_snapshot_is_found() {
        let folder = folder_of(&["7", "9", "11.partial", "12.removed", "notes"]);
        let newest = newest(folder.path()).unwrap();
        assert_eq!(newest.taken_at, Timestamp::from_micros(9));
        assert_eq!(newest.folder, folder.path().join("9"));
        assert!(super::newest(&folder.path().join("nowhere")).is_none());
    }

    #[test]
    fn all_are_removed_and_nothing_else() {
        let folder = folder_of(&["7", "9", "11.partial", "12.removed", "notes"]);
        remove_all(folder.path()).unwrap();
        assert_eq!(names_in(folder.path()), ["notes"]);
        remove_all(&folder.path().join("nowhere")).unwrap();
    }

    #[test]
    fn one_that_another_host_removes_is_no_error() {
        let folder = folder_of(&[]);
        remove(&folder.path().join("7")).unwrap();
        remove(&folder.path().join("7.removed")).unwrap();
    }
}
