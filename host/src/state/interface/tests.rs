//! Closes a state and reopens it.

use std::path::PathBuf;

use super::*;
use crate::state::Mended;
use crate::state::forget::purge;

fn broken() -> StateError {
    StateError::Lost {
        doing: "test",
        missing: 1,
    }
}

#[test]
fn a_closed_state_is_reopened_once_its_last_connection_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(&folder.path().join("state.duckdb")).unwrap();
    assert_eq!(state.mend(), Mended::WasOpen);
    let reader = state.reader().unwrap();
    state.open_state().break_down(&broken());
    assert!(matches!(state.reader(), Err(StateError::Closed { .. })));
    assert!(matches!(state.mend(), Mended::Waits(_)));
    assert!(state.ailment().is_some());
    drop(reader);
    assert_eq!(state.mend(), Mended::Reopened);
    assert!(state.reader().unwrap().status().unwrap().is_empty());
    assert_eq!((state.recover(), state.ailment()), (Mended::WasOpen, None));
}

#[test]
fn a_purge_does_not_close_a_state_whose_file_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.duckdb");
    let state = State::open(&path).unwrap();
    purge::mark(&path).unwrap();
    std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    let refused = state.purge(PurgeWish::Now);
    assert!(matches!(refused, Err(StateError::Gone { .. })), "{refused:?}");
    assert!(state.closed().is_none());
    assert!(!path.exists());
}

/// A state that was closed, with its file and the folder that it lies in.
fn closed_state() -> (tempfile::TempDir, PathBuf, State) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.duckdb");
    let state = State::open(&path).unwrap();
    state.open_state().break_down(&broken());
    (folder, path, state)
}

#[test]
fn a_state_that_is_no_longer_a_file_is_not_reopened() {
    let (folder, path, state) = closed_state();
    std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(state.mend(), Mended::Failed);
    assert!(state.ailment().unwrap().message.contains("is not a regular file"));
}

#[test]
fn a_state_that_cannot_be_reopened_stays_closed_and_says_why() {
    let (_folder, path, state) = closed_state();
    std::fs::write(&path, "no database").unwrap();
    assert_eq!(state.mend(), Mended::Failed);
    assert!(state.ailment().unwrap().message.contains("is not a DuckDB database"));
    assert!(state.closed().is_some());
}
