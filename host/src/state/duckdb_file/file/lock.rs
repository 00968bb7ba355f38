//! The lock on a state that outlives its file. DuckDB's own lock is lost when a copy replaces the file.
//!
//! # Threads
//! The lock keeps out other processes, and a second open state in this one. It belongs to its handle (`flock`), so no
//! other thread can lose it by closing a file, as can happen with DuckDB's.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::state::{
    duckdb_file::file::paths::beside,
    error::{Result, StateError},
};

/// The one process that may write a state holds this for as long as it lives. The lock file is never removed, because
/// then two processes could each lock a different inode of that name.
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the lock of a state file.
    ///
    /// # Errors
    /// When another process holds it, or the lock file cannot be created.
    pub(crate) fn take(state: &Path) -> Result<Self> {
        let path = lock_of(state);
        let mut file = open(&path).map_err(|source| failed(state, &path, source))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(StateError::InUse {
                    path: state.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(error) => return Err(failed(state, &path, error.into())),
        }
        // The holder's name only serves others that are rejected, so a full disk must not keep this process out.
        let _ = sign(&mut file);
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        // Whoever can open the file can hold the lock.
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "session-host (PID {})", std::process::id())
}

/// Who holds the lock, according to the lock file.
fn holder(file: &mut File) -> String {
    const LONGEST: u64 = 100;
    let mut signed = String::new();
    let read = file.take(LONGEST).read_to_string(&mut signed);
    match (read, signed.trim()) {
        (Ok(_), signed) if !signed.is_empty() => signed.to_owned(),
        _ => "another process".to_owned(),
    }
}

fn lock_of(state: &Path) -> PathBuf {
    beside(state, ".lock")
}

fn failed(state: &Path, lock: &Path, source: io::Error) -> StateError {
    match source.kind() {
        io::ErrorKind::PermissionDenied => StateError::Forbidden { path: state.to_owned() },
        _ => StateError::Lock {
            lock: lock.to_owned(),
            source,
        },
    }
}
