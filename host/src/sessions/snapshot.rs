//! Reads a transcript once: the bytes that are hashed are the bytes that are processed.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use md5::{Digest, Md5};
use session_plugin_api::Timestamp;

use super::{encoding::decode_utf_16, scan::modified};
use crate::{clock, hex::hex, names::FileHash};

/// Why a transcript could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The system cannot open or read it.
    #[error("cannot read the transcript: {0}")]
    Read(io::Error),
    /// It is no longer a regular file.
    #[error("the transcript is no longer a regular file")]
    NotAFile,
    /// It is larger than the limit.
    #[error(
        "the transcript has {size} bytes, more than max_session_bytes ({limit}): raise the limit or split the file"
    )]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

impl From<io::Error> for SnapshotError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// An open transcript whose size is known, but which is not yet read.
#[derive(Debug)]
pub struct OpenTranscript {
    file: File,
    size: u64,
    modified: Timestamp,
}

/// A description of the bytes that were read. The bytes themselves are in the caller's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The MD5 of the file's bytes.
    pub hash: FileHash,
    /// How many bytes of the file were read.
    pub size: u64,
    /// When the file was last written, according to its metadata before it was read.
    pub modified: Timestamp,
    /// When reading began.
    pub read_at: Timestamp,
}

const HASHED_AT_ONCE: u64 = 256 << 10;

impl OpenTranscript {
    /// Opens a transcript without waiting, whatever it has become since the scan.
    ///
    /// # Errors
    /// When it cannot be opened, is not a regular file, or has more than `limit` bytes.
    pub fn open(path: &Path, limit: u64) -> Result<Self, SnapshotError> {
        // If a FIFO has replaced the file, opening it would block without O_NONBLOCK.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(SnapshotError::NotAFile);
        }
        let size = metadata.len();
        if size > limit {
            return Err(SnapshotError::TooLarge { size, limit });
        }
        Ok(Self {
            modified: modified(&metadata),
            file,
            size,
        })
    }

    /// How many bytes will be read: the size of the file when it was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Empties the buffer, reads the bytes into it, and hashes them while they are in the CPU's cache. Then decodes
    /// UTF-16, if the transcript is in UTF-16.
    ///
    /// # Errors
    /// When the system cannot read it.
    pub fn read(self, buffer: &mut Vec<u8>) -> Result<Snapshot, SnapshotError> {
        let read_at = clock::now();
        let mut rest = self.file.take(self.size);
        let mut hash = Md5::new();
        buffer.clear();
        buffer.reserve(usize::try_from(self.size).unwrap_or(0));
        loop {
            let start = buffer.len();
            rest.by_ref().take(HASHED_AT_ONCE).read_to_end(buffer)?;
            if buffer.len() == start {
                break;
            }
            hash.update(&buffer[start..]);
        }
        let digits = hex(hash.finalize());
        let size = buffer.len() as u64;
        decode_utf_16(buffer);
        Ok(Snapshot {
            size,
            hash: FileHash::from_hex(digits),
            modified: self.modified,
            read_at,
        })
    }
}
