//! The names of the files beside a state file.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// A file beside another, with the other's name and an ending.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The WAL, which DuckDB keeps beside a state file.
pub(crate) fn wal_of(state: &Path) -> PathBuf {
    beside(state, ".wal")
}

/// The size of the WAL; 0 if there is none.
pub(crate) fn wal_bytes(state: &Path) -> u64 {
    fs::metadata(wal_of(state)).map_or(0, |wal| wal.len())
}

/// The backup that a checkpoint keeps of the blocks that it may overwrite.
pub(crate) fn checkpoint_backup_of(state: &Path) -> PathBuf {
    beside(state, ".before-checkpoint")
}

/// The state file, its WAL, and the backup of a checkpoint.
pub(crate) fn files_of(state: &Path) -> [PathBuf; 3] {
    [state.to_owned(), wal_of(state), checkpoint_backup_of(state)]
}

/// The folder for exports, which is the only folder beside the state file that SQL may reach.
pub(crate) fn exports_of(state: &Path) -> PathBuf {
    state.with_file_name("exports")
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes sure that files created or renamed beside this one survive a power failure.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}
