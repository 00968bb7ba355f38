//! The lock on a state that outlives its file: DuckDB's own lock goes with the file when a copy takes its place.
//!
//! # Threads
//! It keeps other processes away, and a second open state in this one. It belongs to its handle (`flock`), so that no other
//! thread can give it up by closing a file, as it can DuckDB's.

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
    error::{Result, StateError},
    file::paths::beside,
};

/// Held by the one process that may write a state, for as long as it is alive. The file stays: one that went could be
/// locked by two, each under another inode.
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the lock of a state file.
    ///
    /// # Errors
    /// When another process holds it, or the lock's file cannot be made.
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
        // Only for those who are refused: a disk that is full keeps nobody from the state.
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
        // Whoever can open it can hold it.
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "session-host (PID {})", std::process::id())
}

/// Who holds the lock, as that one has written into it.
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
