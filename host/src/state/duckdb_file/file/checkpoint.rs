//! Makes checkpoints that survive an interruption at any point.
//!
//! DuckDB overwrites the blocks of its metadata in place, even those that the last checkpoint needs. If the process is
//! killed or the machine loses power within such a write, a block is half old and half new, and nobody can read the
//! file. So the host saves those blocks in a backup beside the state before each checkpoint. Whoever opens the state
//! next restores them if the checkpoint did not finish.
//!
//! # Threads
//! [`Checkpoints`] is under a lock, so only one thread at a time makes a checkpoint. Its handle of the file must stay
//! open as long as DuckDB has the file open: the system keeps such locks by process and file, and closing any handle
//! gives up DuckDB's lock.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

use duckdb::Connection;
use rustix::fs::{FlockOperation, fcntl_lock, fstatvfs};

use crate::state::{
    duckdb_file::file::{
        backup::{Backup, Before, HEADERS, failed, headers_of},
        paths::wal_bytes,
    },
    error::{Doing as _, Result, StateError},
    trouble::Trouble,
};

/// The size of the WAL at which a checkpoint is due.
const DUE_BYTES: u64 = 16 << 20;

/// The size of the WAL up to which the next open replays it in much less time than a checkpoint takes, which waits for the
/// disk five times: some 16 runs with nothing to do.
const SMALL_BYTES: u64 = 8 << 10;

/// Makes the checkpoints of a state file that this process has open.
pub(crate) struct Checkpoints {
    path: PathBuf,
    /// Stays open as long as DuckDB has the file open: closing any handle gives up the process's lock on the file.
    file: File,
    backup: Option<Backup>,
}

impl Checkpoints {
    /// The checkpoints of a file that DuckDB already has open.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: OpenOptions::new()
                .read(true)
                .write(true)
                .open(path)
                .map_err(|source| failed(path, source))?,
            backup: None,
        })
    }

    /// Takes DuckDB's lock on the file again, because the process loses it when any of its code opens and closes the
    /// file. Returns whether that succeeded.
    pub(crate) fn take_lock(&self) -> bool {
        fcntl_lock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok()
    }

    /// Whether the WAL is so large that it should be transferred into the file.
    pub(crate) fn are_due(&self) -> bool {
        wal_bytes(&self.path) >= DUE_BYTES
    }

    /// Whether the WAL holds so little that the next open may as well replay it.
    pub(crate) fn can_wait(&self) -> bool {
        wal_bytes(&self.path) <= SMALL_BYTES
    }

    /// Transfers the WAL into the file, if it holds anything.
    ///
    /// # Errors
    /// When a transaction is open, or the disk is full. Nothing is lost then.
    pub(crate) fn make(&mut self, connection: &Connection) -> Result<()> {
        if wal_bytes(&self.path) == 0 {
            return Ok(());
        }
        self.refuse_without_room()?;
        self.save_backup(connection)?;
        connection.execute_batch("CHECKPOINT").doing("write the checkpoint")?;
        if let Some(backup) = self.backup.take() {
            backup.remove().map_err(|source| failed(&self.path, source))?;
        }
        Ok(())
    }

    /// A checkpoint without enough room leaves an instance that accepts no more statements, so it does not begin.
    fn refuse_without_room(&self) -> Result<()> {
        const MARGIN: u64 = 8 << 20;
        let needed = 2 * wal_bytes(&self.path) + MARGIN;
        // If the system does not report the free space, DuckDB notices the lack.
        match fstatvfs(&self.file) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < needed => Err(StateError::Troubled {
                doing: "write the checkpoint".to_owned(),
                said: format!("fewer than {needed} bytes are free"),
                trouble: Trouble::Full,
            }),
            _ => Ok(()),
        }
    }

    /// Saves the blocks that the checkpoint may overwrite. After a failed checkpoint, keeps the earlier backup, because
    /// blocks may be half written by now.
    fn save_backup(&mut self, connection: &Connection) -> Result<()> {
        let headers = headers_of(&self.file).map_err(|source| failed(&self.path, source))?;
        if self.backup.as_ref().is_some_and(|backup| backup.is_of(&headers)) {
            return Ok(());
        }
        let places = places_of_metadata(connection).doing("find the blocks that a checkpoint overwrites")?;
        let kept = Before::read(&self.file, headers, &places).and_then(|before| Backup::write(&self.path, before));
        self.backup = Some(kept.map_err(|source| failed(&self.path, source))?);
        Ok(())
    }
}

/// The places and sizes of the metadata blocks.
fn places_of_metadata(connection: &Connection) -> duckdb::Result<Vec<(u64, usize)>> {
    let size: u64 = connection.query_row(
        "SELECT block_size FROM system.main.pragma_database_size() WHERE database_name = system.main.current_database()",
        [],
        |row| row.get(0),
    )?;
    let mut statement = connection.prepare("SELECT block_id FROM system.main.pragma_metadata_info()")?;
    let ids = statement.query_map([], |row| row.get::<_, u64>(0))?;
    ids.map(|id| Ok((HEADERS as u64 + id? * size, size as usize))).collect()
}

#[cfg(test)]
mod tests;
