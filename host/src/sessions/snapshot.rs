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
    /// The system refuses.
    #[error("cannot read the transcript: {0}")]
    Read(io::Error),
    /// It is no regular file any more.
    #[error("the transcript is no regular file any more")]
    NotAFile,
    /// It is larger than the host takes.
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

/// A transcript that is open, its size known, and not yet read.
#[derive(Debug)]
pub struct OpenTranscript {
    file: File,
    size: u64,
    modified: Timestamp,
}

/// What was read of a transcript; what stands in it is in the buffer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The MD5 of the file's bytes.
    pub hash: FileHash,
    /// How many bytes of the file were read.
    pub size: u64,
    /// When the file was last written, as it was before it was read.
    pub modified: Timestamp,
    /// When reading began.
    pub read_at: Timestamp,
}

const HASHED_AT_ONCE: u64 = 256 << 10;

impl OpenTranscript {
    /// Opens a transcript without waiting, whatever it has become since the scan.
    ///
    /// # Errors
    /// When it cannot be opened, is no regular file, or has more than `limit` bytes.
    pub fn open(path: &Path, limit: u64) -> Result<Self, SnapshotError> {
        // A FIFO that has taken the file's place would block without O_NONBLOCK.
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

    /// How many bytes will be read: those that the file had when it was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the bytes into a buffer, which is emptied first, and hashes them while they are in the processor's cache.
    /// What is UTF-16 is decoded then.
    ///
    /// # Errors
    /// When the system refuses.
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
