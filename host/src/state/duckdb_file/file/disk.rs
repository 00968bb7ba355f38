//! The state's files and their disk, as the system reports them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access, statvfs};

use super::paths::{folder_of, wal_bytes};

/// The state's files and their disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFiles {
    /// The size of the state file, in bytes.
    pub file_bytes: u64,
    /// The size of the WAL beside it, in bytes; 0 if there is none.
    pub wal_bytes: u64,
    /// How many bytes are free on the disk of the state.
    pub free_bytes: u64,
    /// The file or folder that cannot be written, if there is one.
    pub obstacle: Option<Obstacle>,
}

/// A file or folder of the state that may not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub reason: String,
}

impl StateFiles {
    /// The files of a state, without asking DuckDB.
    ///
    /// # Errors
    /// When the system does not report the free space.
    pub(crate) fn of(state: &Path) -> io::Result<Self> {
        let folder = folder_of(state);
        let disk = statvfs(folder)?;
        Ok(Self {
            file_bytes: size_of(state),
            wal_bytes: wal_bytes(state),
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            obstacle: [state, folder].into_iter().find_map(obstacle),
        })
    }
}

fn size_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Finds a file or folder that cannot be written. A read-only file system counts even for root.
fn obstacle(path: &Path) -> Option<Obstacle> {
    let error = access(path, Access::WRITE_OK).err()?;
    Some(Obstacle {
        path: path.to_owned(),
        reason: io::Error::from(error).to_string(),
    })
}
