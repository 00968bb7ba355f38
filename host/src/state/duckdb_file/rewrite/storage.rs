//! Brings an older state file to the storage version of new ones, in which DuckDB can compress long texts.
//!
//! DuckDB never changes the storage version of a file, so the host copies the file once, when it opens it for writing. If the
//! copy cannot be made, the older file stays in use: all works, but takes more space.

use std::{
    fs,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    time::Duration,
};

use duckdb::Connection;
use sd_notify::NotifyState;

use super::replace::{Replaced, replace};
use crate::{
    state::{
        duckdb_file::open::open_state::OpenState,
        engine::open::STORAGE,
        error::{Doing as _, Result},
    },
    threads,
};

/// Copies the state file, if it has an older storage version. Call it when nothing uses the state yet.
pub(crate) fn bring_up_to_date(state: &OpenState) {
    let why = match copy_if_old(state) {
        Ok(None | Some(Replaced::Done)) => return,
        Ok(Some(Replaced::Waits { why })) => why,
        Err(error) => error.to_string(),
    };
    let file = state.path().display();
    tracing::warn!(
        "the state file {file} keeps an older storage version, in which texts take many times the space: {why}; \
         remedy that, or free as much space as the file takes, then start session-host again, which copies the file once"
    );
}

fn copy_if_old(state: &OpenState) -> Result<Option<Replaced>> {
    if !is_old(&*state.connect()?)? {
        return Ok(None);
    }
    if fs::symlink_metadata(state.path()).is_ok_and(|file| file.is_symlink()) {
        // The copy would replace the link, and DuckDB keeps the WAL beside the file that it leads to.
        let why = "it is a link: name the file itself with --state".to_owned();
        return Ok(Some(Replaced::Waits { why }));
    }
    let file = state.path().display();
    tracing::info!("copying the state file {file} to storage version {STORAGE}, in which texts are compressed");
    let _until_it_is_copied = ask_for_time();
    let replaced = replace(state, "it is being copied to a newer storage version", |_| Ok(()))?;
    if replaced == Replaced::Done {
        tracing::info!("copied the state file {file}");
    }
    Ok(Some(replaced))
}

/// Asks systemd for more time to start until the result is dropped: a large file takes longer to copy than a start may. Who is
/// not started by systemd asks nobody.
fn ask_for_time() -> Sender<()> {
    const TIME_IN_MICROS: u32 = 60_000_000;
    const AGAIN: Duration = Duration::from_secs(20);
    let (copying, copied) = mpsc::channel::<()>();
    let ask = move || {
        loop {
            if let Err(error) = sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(TIME_IN_MICROS)]) {
                tracing::warn!("cannot ask systemd for more time to copy the state file: {error}");
            }
            if copied.recv_timeout(AGAIN) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    };
    if let Err(error) = threads::start("more-time", ask) {
        tracing::warn!("systemd may end a long copy of the state file: cannot start a thread: {error}");
    }
    copying
}

/// Whether DuckDB before 1.2 could read the file, too. DuckDB makes such files unless it is told otherwise.
fn is_old(connection: &Connection) -> Result<bool> {
    let sql = "SELECT coalesce(tags['storage_version'] = 'v1.0.0+', false) FROM system.main.duckdb_databases()
               WHERE database_name = system.main.current_database()";
    connection
        .query_row(sql, [], |row| row.get(0))
        .doing("read the storage version")
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::{MetadataExt as _, symlink},
        path::Path,
    };

    use super::*;
    use crate::state::State;

    /// A state file as DuckDB makes it by itself, with a table.
    fn make_old(path: &Path) {
        let made = Connection::open(path).unwrap();
        let sql = "CREATE TABLE notes AS SELECT 'note ' || i AS note FROM range(1000) AS t(i); CHECKPOINT";
        made.execute_batch(sql).unwrap();
        assert!(is_old(&made).unwrap());
    }

    fn notes(state: &State) -> u64 {
        state.reader().unwrap().rows("notes").unwrap()
    }

    fn version_of(path: &Path) -> u8 {
        fs::read(path).unwrap()[12]
    }

    #[test]
    fn new_states_have_the_storage_version_and_older_ones_are_copied_once() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new.duckdb");
        drop(State::open(&new).unwrap());
        let old = folder.path().join("old.duckdb");
        make_old(&old);
        assert_ne!(version_of(&old), version_of(&new));
        assert_eq!(notes(&State::open(&old).unwrap()), 1000);
        assert_eq!(version_of(&old), version_of(&new));
        let copied = fs::metadata(&old).unwrap().ino();
        assert_eq!(notes(&State::open(&old).unwrap()), 1000);
        assert_eq!(fs::metadata(&old).unwrap().ino(), copied, "it was copied again");
    }

    #[test]
    fn a_copy_that_cannot_be_made_leaves_the_older_file_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("old.duckdb");
        make_old(&old);
        let before = version_of(&old);
        // A folder is in the way of the copy.
        fs::create_dir_all(folder.path().join("old.duckdb.purged.wal/x")).unwrap();
        let state = OpenState::open(&old, |_| Ok(())).unwrap();
        assert!(copy_if_old(&state).is_err());
        bring_up_to_date(&state);
        let rows: u64 = state
            .connect()
            .unwrap()
            .query_row("SELECT count(*) FROM notes", [], |row| row.get(0))
            .unwrap();
        assert_eq!((rows, version_of(&old)), (1000, before));
    }

    #[test]
    fn a_link_stays_a_link_to_the_older_file() {
        let folder = tempfile::tempdir().unwrap();
        let (old, link) = (
            folder.path().join("elsewhere.duckdb"),
            folder.path().join("state.duckdb"),
        );
        make_old(&old);
        let before = version_of(&old);
        symlink(&old, &link).unwrap();
        assert_eq!(notes(&State::open(&link).unwrap()), 1000);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(version_of(&old), before);
    }
}
