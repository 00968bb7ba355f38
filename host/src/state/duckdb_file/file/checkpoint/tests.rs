//! Opening a state from the files that an interrupted checkpoint leaves.

use std::{fs, os::unix::fs::FileExt as _};

use super::*;
use crate::state::{
    State,
    duckdb_file::file::paths::{beside, checkpoint_backup_of},
    engine::{
        instance::{Access, Link},
        open::open_engine,
    },
};

/// A state with rows in the file, and further ones in the WAL.
struct Scene {
    folder: tempfile::TempDir,
    state: State,
    connection: Link,
    checkpoints: Checkpoints,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.duckdb");
    let state = State::open(&path).unwrap();
    let connection = state.open_state().connect().unwrap();
    connection
        .execute_batch("CREATE TABLE numbers AS SELECT range AS n FROM range(1000)")
        .unwrap();
    state.checkpoint().unwrap();
    connection
        .execute_batch("INSERT INTO numbers SELECT range FROM range(500)")
        .unwrap();
    let checkpoints = Checkpoints::of(&path).unwrap();
    Scene {
        folder,
        state,
        connection,
        checkpoints,
    }
}

impl Scene {
    /// A copy of the files as a process that dies now would leave them.
    fn left_behind(&self) -> (tempfile::TempDir, PathBuf) {
        let left = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), left.path().join(entry.file_name())).unwrap();
        }
        let path = left.path().join("state.duckdb");
        (left, path)
    }

    /// Overwrites the first half of every metadata block, as a checkpoint that is interrupted within each of them does.
    fn tear(&self, path: &Path) {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let places = places_of_metadata(&self.connection).unwrap();
        assert!(!places.is_empty());
        for (start, size) in places {
            file.write_all_at(&vec![7; size / 2], start).unwrap();
        }
    }
}

fn rows(path: &Path) -> u64 {
    let state = State::open(path).unwrap();
    let connection = state.open_state().connect().unwrap();
    connection
        .query_row("SELECT count(*) FROM numbers", [], |row| row.get(0))
        .unwrap()
}

#[track_caller]
fn has_all_rows_and_no_backup(path: &Path) {
    assert_eq!(rows(path), 1500);
    assert!(!checkpoint_backup_of(path).exists());
}

#[test]
fn opening_restores_a_half_written_checkpoint() {
    let mut scene = scene();
    scene.checkpoints.save_backup(&scene.connection).unwrap();
    let (_left, path) = scene.left_behind();
    scene.tear(&path);
    let unreadable = open_engine(&path, Access::ReadOnly).map(|_| ()).unwrap_err();
    assert!(unreadable.to_string().contains("Corrupt database file"), "{unreadable}");
    has_all_rows_and_no_backup(&path);
    assert_eq!(rows(&path), 1500);
}

#[test]
fn a_state_needs_restoring_only_after_blocks_were_overwritten() {
    let mut scene = scene();
    scene.checkpoints.save_backup(&scene.connection).unwrap();
    let (_left, path) = scene.left_behind();
    let backup = fs::read(checkpoint_backup_of(&path)).unwrap();
    let before = Before::read_backup(&backup).unwrap();
    let is_overwritten = || before.is_overwritten(&File::open(&path).unwrap()).unwrap();
    assert!(!is_overwritten());
    scene.tear(&path);
    assert!(is_overwritten());
}

#[test]
fn a_backup_without_its_state_is_removed() {
    let mut scene = scene();
    scene.checkpoints.save_backup(&scene.connection).unwrap();
    let (_left, path) = scene.left_behind();
    for file in [path.clone(), beside(&path, ".wal")] {
        fs::remove_file(file).unwrap();
    }
    drop(State::open(&path).unwrap());
    assert!(!checkpoint_backup_of(&path).exists());
}

#[test]
fn an_incomplete_backup_is_ignored_and_removed() {
    let mut scene = scene();
    scene.checkpoints.save_backup(&scene.connection).unwrap();
    let whole = fs::read(checkpoint_backup_of(scene.state.path())).unwrap();
    for length in [0, 10, 20, HEADERS, whole.len() - 1] {
        let (_left, path) = scene.left_behind();
        fs::write(checkpoint_backup_of(&path), &whole[..length]).unwrap();
        has_all_rows_and_no_backup(&path);
    }
}

#[test]
fn a_link_at_the_path_of_the_backup_is_not_followed() {
    let mut scene = scene();
    let target = scene.folder.path().join("target");
    std::os::unix::fs::symlink(&target, checkpoint_backup_of(scene.state.path())).unwrap();
    scene.checkpoints.save_backup(&scene.connection).unwrap();
    assert!(!target.exists());
    assert!(
        fs::symlink_metadata(checkpoint_backup_of(scene.state.path()))
            .unwrap()
            .is_file()
    );
}

#[test]
fn a_finished_checkpoint_is_not_undone() {
    let mut scene = scene();
    scene.checkpoints.save_backup(&scene.connection).unwrap();
    let backup = fs::read(checkpoint_backup_of(scene.state.path())).unwrap();
    scene.checkpoints.make(&scene.connection).unwrap();
    assert!(!checkpoint_backup_of(scene.state.path()).exists());
    let (_left, path) = scene.left_behind();
    fs::write(checkpoint_backup_of(&path), backup).unwrap();
    has_all_rows_and_no_backup(&path);
}

#[test]
fn a_checkpoint_beside_an_open_transaction_loses_nothing() {
    let mut scene = scene();
    let other = scene.state.open_state().connect().unwrap();
    other.execute_batch("BEGIN; INSERT INTO numbers VALUES (1)").unwrap();
    let _ = scene.checkpoints.make(&scene.connection);
    let (_left, path) = scene.left_behind();
    assert_eq!(rows(&path), 1500);
    other.execute_batch("COMMIT").unwrap();
    let (_left, path) = scene.left_behind();
    assert_eq!(rows(&path), 1501);
    scene.checkpoints.make(&scene.connection).unwrap();
    assert!(!checkpoint_backup_of(scene.state.path()).exists() && wal_bytes(scene.state.path()) == 0);
    let (_left, path) = scene.left_behind();
    assert_eq!(rows(&path), 1501);
}
