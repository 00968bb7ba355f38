//! Reads a transcript once: the bytes that are hashed are the bytes that are processed.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use md5::{Digest as _, Md5};
use rustix::{buffer::spare_capacity, io::retry_on_intr};
use session_plugin_api::Timestamp;

use super::{
    encoding::decoded_utf_16,
    lanes::{Digest, digests},
    scan::modified,
};
use crate::{clock, hex::hex, names::FileHash, shared_memory::TranscriptBytes};

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

/// A transcript that was read, but is not yet hashed.
#[derive(Debug)]
pub struct UnhashedTranscript {
    bytes: TranscriptBytes,
    modified: Timestamp,
    read_at: Timestamp,
}

/// The bytes of a transcript that were read, and which version of it they are.
#[derive(Debug)]
pub struct Snapshot {
    /// The bytes, in UTF-8 if the file is in UTF-16.
    pub bytes: TranscriptBytes,
    /// The MD5 of the file's bytes.
    pub hash: FileHash,
    /// How many bytes of the file were read.
    pub size: u64,
    /// When the file was last written, according to its metadata before it was read.
    pub modified: Timestamp,
    /// When reading began.
    pub read_at: Timestamp,
}

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

    /// The open file, for a reader that wants parts of it.
    #[must_use]
    pub(crate) fn into_file(self) -> File {
        self.file
    }

    /// How many bytes will be read: the size of the file when it was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the bytes into the buffer, over those that it has. Memory that is shared must have room for them.
    ///
    /// # Errors
    /// When the system cannot read it.
    pub fn read(self, mut buffer: TranscriptBytes) -> Result<UnhashedTranscript, SnapshotError> {
        let read_at = clock::now();
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        match &mut buffer {
            TranscriptBytes::Own(bytes) => read_into_own(&self.file, bytes, size)?,
            TranscriptBytes::Shared(shared) => {
                shared.truncate(size);
                let read = read_over(&self.file, shared)?;
                shared.truncate(read);
            }
        }
        Ok(UnhashedTranscript {
            bytes: buffer,
            modified: self.modified,
            read_at,
        })
    }
}

fn read_into_own(file: &File, bytes: &mut Vec<u8>, size: usize) -> io::Result<()> {
    bytes.clear();
    bytes.try_reserve_exact(size)?;
    while bytes.len() < size && retry_on_intr(|| rustix::io::read(file, spare_capacity(bytes)))? > 0 {}
    // A buffer with more room takes what the file has grown by meanwhile.
    bytes.truncate(size);
    Ok(())
}

/// Reads until the buffer is full, or the file ends. Returns how many bytes were read.
fn read_over(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match retry_on_intr(|| rustix::io::read(file, &mut buffer[filled..]))? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

impl UnhashedTranscript {
    /// Hashes the transcript.
    #[must_use]
    pub fn hash(self) -> Snapshot {
        let digest = Md5::digest(&*self.bytes).into();
        self.snapshot(digest)
    }

    fn snapshot(self, digest: Digest) -> Snapshot {
        let Self {
            mut bytes,
            modified,
            read_at,
        } = self;
        let size = bytes.len() as u64;
        if let Some(decoded) = decoded_utf_16(&bytes) {
            bytes = TranscriptBytes::Own(decoded);
        }
        Snapshot {
            bytes,
            hash: FileHash::from_hex(hex(digest)),
            size,
            modified,
            read_at,
        }
    }
}

/// Hashes several transcripts at once, which is faster. Leaves what could not be read as it is.
#[must_use]
pub fn hash_all<E>(read: Vec<Result<UnhashedTranscript, E>>) -> Vec<Result<Snapshot, E>> {
    let texts = read
        .iter()
        .map(|read| read.as_ref().map_or(&[][..], |read| &read.bytes));
    let digests = digests(&texts.collect::<Vec<&[u8]>>());
    let hashed = read.into_iter().zip(digests);
    hashed.map(|(read, digest)| Ok(read?.snapshot(digest))).collect()
}
