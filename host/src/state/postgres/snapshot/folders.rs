//! The folders of snapshots: which is complete, which is the newest, which go.
//!
//! A snapshot is a folder, named by its time on PostgreSQL's clock, because the newest one counts, whichever host wrote it. It
//! is complete once it has that name. Until then, and while it is removed, an ending of the name says so.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use session_plugin_api::Timestamp;

use crate::state::error::{Result, StateError};

/// How many snapshots are kept: somebody may still read the one before the newest.
const KEPT: usize = 2;

/// The ending of the name of a snapshot that is not complete.
const PARTIAL: &str = ".partial";

/// The ending of the name of one that is being removed.
const REMOVED: &str = ".removed";

/// A complete snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::state::postgres) struct Snapshot {
    pub(super) folder: PathBuf,
    /// Just before its transaction began.
    pub(in crate::state::postgres) taken_at: Timestamp,
}

/// A snapshot that is being written. It becomes complete, or it is removed.
pub(super) struct Begun {
    snapshot: Snapshot,
    /// Where its files are until it is complete.
    pub(super) partial: PathBuf,
}

impl Begun {
    /// Makes the folder of a snapshot of this time.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn at(snapshots: &Path, taken_at: Timestamp) -> Result<Self> {
        let name = taken_at.as_micros().to_string();
        let partial = snapshots.join(format!("{name}{PARTIAL}"));
        fs::create_dir_all(&partial).map_err(|source| failed(&partial, source))?;
        let folder = snapshots.join(name);
        Ok(Self {
            snapshot: Snapshot { folder, taken_at },
            partial,
        })
    }

    /// Makes it the newest snapshot.
    ///
    /// # Errors
    /// When its folder is gone, because somebody was forgotten, or cannot be renamed.
    pub(super) fn complete(&self) -> Result<Snapshot> {
        let folder = &self.snapshot.folder;
        fs::rename(&self.partial, folder).map_err(|source| failed(folder, source))?;
        Ok(self.snapshot.clone())
    }

    /// Removes what was written.
    pub(super) fn abandon(self) {
        // What cannot be removed now goes with the next snapshot.
        let _ = remove(&self.partial);
    }
}

/// Removes all snapshots but the newest and the one before, and what has been left unfinished before the newest one.
///
/// # Errors
/// When a file cannot be removed.
pub(super) fn remove_old(snapshots: &Path, newest: &Snapshot) -> Result<()> {
    let older = all(snapshots).into_iter().skip(KEPT).map(|older| older.folder);
    let left = unfinished(snapshots)
        .into_iter()
        .filter(|(began, _)| *began < newest.taken_at);
    older
        .chain(left.map(|(_, folder)| folder))
        .try_for_each(|folder| remove(&folder))
}

/// Removes all snapshots, because they hold what was forgotten. One that is being written fails.
pub(in crate::state::postgres) fn remove_all(snapshots: &Path) -> Result<()> {
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
pub(in crate::state::postgres) fn newest(snapshots: &Path) -> Option<Snapshot> {
    all(snapshots).into_iter().next()
}

/// All complete snapshots, newest first. A folder that cannot be read has none.
fn all(snapshots: &Path) -> Vec<Snapshot> {
    let mut complete: Vec<Snapshot> = named(snapshots, |name| Some(name))
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

pub(super) fn failed(path: &Path, source: io::Error) -> StateError {
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
