//! The folders of snapshots: which is complete, which is the newest, which go.
//!
//! A snapshot is a folder, named by its time on PostgreSQL's clock, because the newest one counts, whichever host wrote it. It
//! is complete once it has that name. Until then, and while it is removed, an ending of the name says so.

use std::{
    cmp::Reverse,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use session_plugin_api::Timestamp;

use crate::state::{
    error::{Result, StateError},
    postgres::fence::LastForgotten,
};

/// How many snapshots are kept: somebody may still read the one before the newest.
const KEPT: usize = 2;

/// The ending of the name of a snapshot that is not complete.
const PARTIAL: &str = ".partial";

/// The ending of the name of one that is being removed.
const REMOVED: &str = ".removed";

/// The file of a snapshot that says who was forgotten last in its tables.
const FORGOTTEN: &str = "forgotten";

/// A complete snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::state::postgres) struct Snapshot {
    pub(super) folder: PathBuf,
    /// Just before its transaction began.
    pub(in crate::state::postgres) taken_at: Timestamp,
}

impl Snapshot {
    /// Whether its tables lack all that was forgotten until now. One that does not say so may hold some of it.
    pub(in crate::state::postgres) fn is_of(&self, last: LastForgotten) -> bool {
        let said = fs::read_to_string(self.folder.join(FORGOTTEN));
        said.is_ok_and(|said| said == last.to_string())
    }
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

    /// Records who was forgotten last in its tables.
    ///
    /// # Errors
    /// When its folder is gone, because somebody was forgotten, or cannot be written.
    pub(super) fn record(&self, forgotten: LastForgotten) -> Result<()> {
        let file = self.partial.join(FORGOTTEN);
        fs::write(&file, forgotten.to_string()).map_err(|source| failed(&file, source))
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
        let _ = put_aside(self.partial).and_then(|aside| delete(&aside));
    }
}

/// Removes all snapshots but the newest and the one before, and what has been left unfinished before the newest one.
///
/// # Errors
/// When the folder cannot be read, or a file cannot be removed.
pub(super) fn remove_old(snapshots: &Path, newest: &Snapshot) -> Result<()> {
    let Listed { complete, unfinished } = list(snapshots)?;
    let left = unfinished.into_iter().filter(|left| left.taken_at < newest.taken_at);
    remove(complete.into_iter().skip(KEPT).chain(left))
}

/// Removes the complete snapshots from before this forgetting. One that is being written goes on.
///
/// # Errors
/// As above.
pub(super) fn remove_outdated(snapshots: &Path, forgotten: LastForgotten) -> Result<()> {
    let complete = list(snapshots)?.complete.into_iter();
    remove(complete.filter(|snapshot| !snapshot.is_of(forgotten)))
}

/// Removes all snapshots, because they hold what was forgotten. One that is being written fails.
///
/// # Errors
/// As above. What is left is no snapshot any more, unless its folder cannot be renamed.
pub(in crate::state::postgres) fn remove_all(snapshots: &Path) -> Result<()> {
    let Listed { complete, unfinished } = list(snapshots)?;
    remove(complete.into_iter().chain(unfinished))
}

/// Removes the folders of snapshots, complete or not. All are put aside first: what then cannot be removed keeps no other in
/// its place. The first failure is told.
fn remove(snapshots: impl Iterator<Item = Snapshot>) -> Result<()> {
    let aside: Vec<Result<PathBuf>> = snapshots.map(|snapshot| put_aside(snapshot.folder)).collect();
    let removed = aside
        .into_iter()
        .map(|folder| folder.and_then(|folder| delete(&folder)));
    removed.fold(Ok(()), Result::and)
}

/// Gives a folder a name by which nobody finds it or adds a file to it.
fn put_aside(folder: PathBuf) -> Result<PathBuf> {
    let aside = folder.with_extension(&REMOVED[1..]);
    if folder == aside {
        return Ok(aside);
    }
    unless_gone(fs::rename(&folder, &aside), &folder)?;
    Ok(aside)
}

fn delete(folder: &Path) -> Result<()> {
    unless_gone(fs::remove_dir_all(folder), folder)
}

/// Another host removes the same folders, too.
fn unless_gone(done: io::Result<()>, folder: &Path) -> Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done.map_err(|source| failed(folder, source)),
    }
}

/// The newest snapshot in a folder of snapshots.
///
/// # Errors
/// When the folder cannot be read.
pub(in crate::state::postgres) fn newest(snapshots: &Path) -> Result<Option<Snapshot>> {
    Ok(list(snapshots)?.complete.into_iter().next())
}

/// What a folder of snapshots holds.
#[derive(Default)]
struct Listed {
    /// The newest first.
    complete: Vec<Snapshot>,
    /// What is not complete, or no longer.
    unfinished: Vec<Snapshot>,
}

/// Lists what is in a folder of snapshots, if somebody has made it.
fn list(snapshots: &Path) -> Result<Listed> {
    let mut listed = Listed::default();
    for folder in entries_of(snapshots).map_err(|source| failed(snapshots, source))? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = name.strip_suffix(PARTIAL).or_else(|| name.strip_suffix(REMOVED));
        let found = match unfinished {
            Some(_) => &mut listed.unfinished,
            None => &mut listed.complete,
        };
        if let Ok(micros) = unfinished.unwrap_or(&name).parse() {
            let taken_at = Timestamp::from_micros(micros);
            found.push(Snapshot { folder, taken_at });
        }
    }
    listed.complete.sort_by_key(|snapshot| Reverse(snapshot.taken_at));
    Ok(listed)
}

fn entries_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
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
        let newest = newest(folder.path()).unwrap().unwrap();
        assert_eq!(newest.taken_at, Timestamp::from_micros(9));
        assert_eq!(newest.folder, folder.path().join("9"));
        assert_eq!(super::newest(&folder.path().join("nowhere")).unwrap(), None);
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
        let gone = ["7", "7.removed"].map(|name| Snapshot {
            folder: folder.path().join(name),
            taken_at: Timestamp::from_micros(7),
        });
        remove(gone.into_iter()).unwrap();
    }

    #[test]
    fn what_cannot_be_removed_keeps_no_snapshot_in_its_place() {
        let folder = folder_of(&["7", "8"]);
        // No folder, so that it cannot be removed as one.
        fs::write(folder.path().join("9"), "").unwrap();
        remove_all(folder.path()).unwrap_err();
        assert_eq!(names_in(folder.path()), ["9.removed"]);
        assert_eq!(newest(folder.path()).unwrap(), None);
        remove_all(folder.path()).unwrap_err();
        fs::remove_file(folder.path().join("9.removed")).unwrap();
        remove_all(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_read_does_not_count_as_empty() {
        let folder = folder_of(&[]);
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        newest(&file).unwrap_err();
        remove_all(&file).unwrap_err();
    }

    #[test]
    fn snapshots_from_before_the_last_forgetting_are_removed() {
        let folder = folder_of(&["6", "11.partial"]);
        for (time, number) in [(7, 1), (8, 2), (9, 2)] {
            let begun = Begun::at(folder.path(), Timestamp::from_micros(time)).unwrap();
            begun.record(LastForgotten::numbered(number)).unwrap();
            let _ = begun.complete().unwrap();
        }
        remove_outdated(folder.path(), LastForgotten::numbered(2)).unwrap();
        assert_eq!(names_in(folder.path()), ["11.partial", "8", "9"]);
    }
}
