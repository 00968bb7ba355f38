//! The backup of the blocks that a checkpoint overwrites. It is saved before the checkpoint. If the checkpoint was
//! interrupted, whoever opens the state next restores it.
//!
//! Both happen while DuckDB does not write the file: before a checkpoint begins, and before DuckDB opens the file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use md5::{Digest as _, Md5};
use rustix::{
    fs::{FlockOperation, fcntl_lock},
    io::Errno,
};

use crate::state::{
    duckdb_file::file::paths::{beside, checkpoint_backup_of, sync_folder},
    error::{Result, StateError},
};

/// The beginning of a backup, so that no other file is mistaken for one.
const MAGIC: &[u8; 16] = b"session-host 1\n\0";

/// The size of DuckDB's headers before its blocks: the main header, and two of which the newer one counts.
pub(super) const HEADERS: usize = 3 * 4096;

/// The blocks that a checkpoint may overwrite, with their contents before it.
pub(super) struct Before {
    headers: Vec<u8>,
    /// The place of each block in the file, and its content.
    blocks: Vec<(u64, Vec<u8>)>,
}

/// A backup on the disk.
pub(super) struct Backup {
    path: PathBuf,
    headers: Vec<u8>,
}

/// Restores what an interrupted checkpoint has overwritten. Call it before DuckDB opens the file.
///
/// # Errors
/// When the backup cannot be read, or the file cannot be written.
pub(crate) fn restore(path: &Path) -> Result<()> {
    match fs::symlink_metadata(checkpoint_backup_of(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A user who may not read the folder may ask the server, which may.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(StateError::Forbidden { path: path.to_owned() })
        }
        Ok(_) | Err(_) => restore_from(&checkpoint_backup_of(path), path).map_err(|source| failed(path, source)),
    }
}

/// Whether a checkpoint may have been interrupted.
pub(crate) fn is_to_be_restored(path: &Path) -> bool {
    checkpoint_backup_of(path).symlink_metadata().is_ok()
}

fn restore_from(backup_path: &Path, path: &Path) -> io::Result<()> {
    let Some((state, lock)) = open_state(path)? else {
        return remove(backup_path);
    };
    // The lock is the same that DuckDB takes. If somebody has the file open, DuckDB reports who that is.
    match fcntl_lock(&state, lock) {
        Err(Errno::AGAIN | Errno::ACCESS) => return Ok(()),
        locked => locked?,
    }
    let backup = match read_file(backup_path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read?,
    };
    // An incomplete backup was still being written, so the checkpoint has not touched the state yet.
    if let Some(before) = Before::read_backup(&backup)
        && before.is_overwritten(&state)?
    {
        before.write_to(&state)?;
        tracing::warn!(state = %path.display(), "a checkpoint was interrupted: the host restored the state from the checkpoint backup");
    }
    match lock {
        FlockOperation::NonBlockingLockExclusive => remove(backup_path),
        // A user who may only read leaves the backup to others.
        _ => Ok(()),
    }
}

/// Opens the state for restoring, if it exists, and returns the kind of lock that this user can take. A user who may
/// not write the file may still find that nothing needs restoring.
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

/// Reads a file in the state's folder. Never follows a link, and never waits for a pipe.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file: remove it"));
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
    /// Reads the blocks at these places.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(file: &File, headers: Vec<u8>, places: &[(u64, usize)]) -> io::Result<Self> {
        let end = file.metadata()?.len();
        let mut blocks = Vec::with_capacity(places.len());
        // Blocks beyond the end have never been written yet.
        for (start, size) in places.iter().filter(|(start, size)| start + *size as u64 <= end) {
            let mut block = vec![0; *size];
            file.read_exact_at(&mut block, *start)?;
            blocks.push((*start, block));
        }
        Ok(Self { headers, blocks })
    }

    /// Whether an unfinished checkpoint has overwritten any of the blocks. The headers show whether it finished.
    pub(super) fn is_overwritten(&self, file: &File) -> io::Result<bool> {
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

    /// Reads a backup; `None` if it is incomplete.
    pub(super) fn read_backup(backup: &[u8]) -> Option<Self> {
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
    /// Whether it is the backup of the file with these headers. If so, no checkpoint has finished since.
    pub(super) fn is_of(&self, headers: &[u8]) -> bool {
        self.headers == headers
    }

    /// Removes the backup once its checkpoint has finished.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn remove(self) -> io::Result<()> {
        remove(&self.path)
    }

    /// Writes a backup so that it survives a power failure.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn write(state: &Path, before: Before) -> io::Result<Self> {
        let path = checkpoint_backup_of(state);
        // Written aside and then renamed, so that whatever has that name, such as a link, is replaced and not written
        // to.
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

/// The headers of a state file, which show which checkpoints have finished.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn headers_of(file: &File) -> io::Result<Vec<u8>> {
    let mut headers = vec![0; HEADERS];
    file.read_exact_at(&mut headers, 0)?;
    Ok(headers)
}

/// The error for a backup that cannot be saved or restored.
pub(super) fn failed(path: &Path, source: io::Error) -> StateError {
    StateError::Checkpoint {
        backup: checkpoint_backup_of(path),
        source,
    }
}
