//! Checkpoints that may be cut off at any point.
//!
//! DuckDB overwrites the blocks of its metadata in place, even those that the last checkpoint needs. A process that is
//! killed within such a write, or a machine that loses its power, leaves a block that is half old and half new, and a file
//! that nobody can read. So the host saves those blocks in a backup beside the state before each checkpoint. Whoever opens
//! the state next restores them, if the checkpoint did not come to its end.
//!
//! # Threads
//! [`Checkpoints`] is kept under a lock, so that one thread at a time makes a checkpoint. Its handle of the file must stay
//! open as long as DuckDB has the file open: the system keeps such locks by process and file, and closing any handle
//! gives up DuckDB's.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use duckdb::Connection;
use md5::{Digest as _, Md5};
use rustix::{
    fs::{FlockOperation, fcntl_lock, fstatvfs},
    io::Errno,
};

use crate::state::{
    error::{Doing as _, Result, StateError},
    file::paths::{beside, checkpoint_backup_of, sync_folder, wal_bytes},
    trouble::Trouble,
};

/// What a backup begins with, so that another file is not taken for one.
const MAGIC: &[u8; 16] = b"session-host 1\n\0";

/// What DuckDB has before its blocks: the main header, and two of which the newer one counts.
const HEADERS: usize = 3 * 4096;

/// How large the WAL may grow.
const DUE_BYTES: u64 = 16 << 20;

/// The blocks that a checkpoint may overwrite, as they were before it.
struct Before {
    headers: Vec<u8>,
    /// Where each stands in the file, and what it holds.
    blocks: Vec<(u64, Vec<u8>)>,
}

/// A backup that lies beside the state.
struct Backup {
    path: PathBuf,
    headers: Vec<u8>,
}

/// Makes the checkpoints of a state file that this process has open.
pub(crate) struct Checkpoints {
    path: PathBuf,
    /// Stays open as long as DuckDB has the file open: closing any handle gives up the process's lock on the file.
    file: File,
    backup: Option<Backup>,
}

impl Checkpoints {
    /// Those of a file that DuckDB has open already.
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

    /// Takes the lock that DuckDB has on the file once more: whoever in this process opens the file and closes it gives the
    /// lock up. Whether it could be had.
    pub(crate) fn take_lock(&self) -> bool {
        fcntl_lock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok()
    }

    /// Whether the WAL has grown so large that it should go into the file.
    pub(crate) fn are_due(&self) -> bool {
        wal_bytes(&self.path) >= DUE_BYTES
    }

    /// Writes the WAL into the file proper, if it holds any.
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
            remove(&backup.path).map_err(|source| failed(&self.path, source))?;
        }
        Ok(())
    }

    /// A checkpoint that finds no room leaves an instance that takes no more statements, so it is not begun then.
    fn refuse_without_room(&self) -> Result<()> {
        const MARGIN: u64 = 8 << 20;
        let needed = 2 * wal_bytes(&self.path) + MARGIN;
        // Where that cannot be told, DuckDB tells.
        match fstatvfs(&self.file) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < needed => Err(StateError::Troubled {
                doing: "write the checkpoint".to_owned(),
                said: format!("fewer than {needed} bytes are free"),
                trouble: Trouble::Full,
            }),
            _ => Ok(()),
        }
    }

    /// Saves what the checkpoint may overwrite. The backup of one that failed is kept: blocks may be half written since.
    fn save_backup(&mut self, connection: &Connection) -> Result<()> {
        let headers = headers_of(&self.file).map_err(|source| failed(&self.path, source))?;
        if self.backup.as_ref().is_some_and(|backup| backup.headers == headers) {
            return Ok(());
        }
        let places = places_of_metadata(connection).doing("find the blocks that a checkpoint overwrites")?;
        let kept = Before::read(&self.file, headers, &places).and_then(|before| Backup::write(&self.path, before));
        self.backup = Some(kept.map_err(|source| failed(&self.path, source))?);
        Ok(())
    }
}

/// Puts back what a checkpoint that was cut off has overwritten. To be called before DuckDB opens the file.
///
/// # Errors
/// When the backup cannot be read, or the file cannot be written.
pub(crate) fn restore(path: &Path) -> Result<()> {
    match fs::symlink_metadata(checkpoint_backup_of(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Who may not look into the folder may ask the server that may.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(StateError::Forbidden { path: path.to_owned() })
        }
        Ok(_) | Err(_) => restore_from(&checkpoint_backup_of(path), path).map_err(|source| failed(path, source)),
    }
}

/// Whether a checkpoint may have been cut off.
pub(crate) fn is_to_be_restored(path: &Path) -> bool {
    checkpoint_backup_of(path).symlink_metadata().is_ok()
}

fn restore_from(backup_path: &Path, path: &Path) -> io::Result<()> {
    let Some((state, lock)) = open_state(path)? else {
        return remove(backup_path);
    };
    // The lock is the one that DuckDB takes: whoever has the file open is left alone, and DuckDB tells who that is.
    match fcntl_lock(&state, lock) {
        Err(Errno::AGAIN | Errno::ACCESS) => return Ok(()),
        locked => locked?,
    }
    let backup = match read_file(backup_path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read?,
    };
    // A backup that is not whole was being made, and the state has not been touched since.
    if let Some(before) = Before::read_backup(&backup)
        && before.is_overwritten(&state)?
    {
        before.write_to(&state)?;
        tracing::warn!(state = %path.display(), "a checkpoint was cut off: the state is restored to what it was before");
    }
    match lock {
        FlockOperation::NonBlockingLockExclusive => remove(backup_path),
        // Who may only read leaves it to others.
        _ => Ok(()),
    }
}

/// The state for putting something back, if there is one, and the lock that it can be had with: who may not write may
/// find that there is nothing to be done.
fn open_state(path: &Path) -> io::Result<Option<(File, FlockOperation)>> {
    use io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem};
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(state) => Ok(Some((state, FlockOperation::NonBlockingLockExclusive))),
        Err(error) if error.kind() == NotFound => Ok(None),
        Err(error) if matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem) => {
            Ok(Some((File::open(path)?, FlockOperation::NonBlockingLockShared)))
        }
        Err(error) => Err(error),
    }
}

/// Reads a file in the state's folder: never through a link, and nothing that would be waited for.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file: remove it"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn remove(backup_path: &Path) -> io::Result<()> {
    match fs::remove_file(backup_path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl Before {
    fn read(file: &File, headers: Vec<u8>, places: &[(u64, usize)]) -> io::Result<Self> {
        let end = file.metadata()?.len();
        let mut blocks = Vec::with_capacity(places.len());
        // What lies behind the end has yet to be written for the first time.
        for (start, size) in places.iter().filter(|(start, size)| start + *size as u64 <= end) {
            let mut block = vec![0; *size];
            file.read_exact_at(&mut block, *start)?;
            blocks.push((*start, block));
        }
        Ok(Self { headers, blocks })
    }

    /// Whether a checkpoint that did not come to its end, which the headers tell, has overwritten any of it.
    fn is_overwritten(&self, file: &File) -> io::Result<bool> {
        if headers_of(file).ok().as_ref() != Some(&self.headers) {
            return Ok(false);
        }
        let mut found = Vec::new();
        for (start, block) in &self.blocks {
            found.resize(block.len(), 0);
            file.read_exact_at(&mut found, *start)?;
            if found != *block {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn write_to(&self, file: &File) -> io::Result<()> {
        for (start, block) in &self.blocks {
            file.write_all_at(block, *start)?;
        }
        file.sync_all()
    }

    /// Reads a backup; `None` where it is not whole.
    fn read_backup(backup: &[u8]) -> Option<Self> {
        let (content, digest) = backup.split_last_chunk::<16>()?;
        let is_whole = Md5::digest(content).as_slice() == digest;
        is_whole.then(|| Self::parse(content))?
    }

    fn parse(content: &[u8]) -> Option<Self> {
        let rest = content.strip_prefix(MAGIC)?;
        let (headers, mut rest) = rest.split_at_checked(HEADERS)?;
        let mut blocks = Vec::new();
        while let Some((start, after)) = rest.split_first_chunk::<8>() {
            let (size, after) = after.split_first_chunk::<8>()?;
            let (block, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*size)).ok()?)?;
            blocks.push((u64::from_le_bytes(*start), block.to_owned()));
            rest = after;
        }
        Some(Self {
            headers: headers.to_owned(),
            blocks,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.headers);
        for (start, block) in &self.blocks {
            bytes.extend_from_slice(&start.to_le_bytes());
            bytes.extend_from_slice(&(block.len() as u64).to_le_bytes());
            bytes.extend_from_slice(block);
        }
        let digest = Md5::digest(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }
}

impl Backup {
    /// Writes a backup so that it outlives the machine's power.
    fn write(state: &Path, before: Before) -> io::Result<Self> {
        let path = checkpoint_backup_of(state);
        // Aside and then renamed, so that whatever lies there, such as a link, is replaced and not written to.
        let aside = beside(&path, ".aside");
        remove(&aside)?;
        let mut file = File::create_new(&aside)?;
        file.write_all(&before.to_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, &path)?;
        sync_folder(&path)?;
        Ok(Self {
            path,
            headers: before.headers,
        })
    }
}

/// Where the blocks of the metadata lie, and how large they are.
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

fn headers_of(file: &File) -> io::Result<Vec<u8>> {
    let mut headers = vec![0; HEADERS];
    file.read_exact_at(&mut headers, 0)?;
    Ok(headers)
}

fn failed(path: &Path, source: io::Error) -> StateError {
    StateError::Checkpoint {
        backup: checkpoint_backup_of(path),
        source,
    }
}

#[cfg(test)]
mod tests;
