//! The bytes of a transcript, read where they are needed.

use std::{
    fs::File,
    io::{self, Read},
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
};

use session_plugin_api::Timestamp;

use super::pages::{PageFinder, Pages};
use crate::{
    clock::timestamp_of,
    sessions::{OpenTranscript, SnapshotError, decoded_utf_16},
};

/// The largest transcript in UTF-16 that is decoded. It is decoded whole.
const LARGEST_UTF_16: u64 = 64 << 20;

/// How many bytes are read at once.
const PIECE: usize = 256 << 10;

/// Why a transcript cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] SnapshotError),
    /// It cannot be read.
    #[error("cannot read the transcript: {0}")]
    Read(io::Error),
    /// It is in UTF-16 and too large to be decoded. As it stands, no rule would find a secret in it.
    #[error("the transcript has {0} bytes in UTF-16, which is too large to be shown: convert it to UTF-8")]
    LargeUtf16(u64),
}

impl From<io::Error> for ConversationError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl ConversationError {
    /// Whether there is no such file any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Open(SnapshotError::Read(error)) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// An open transcript.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    size: u64,
    modified: Timestamp,
    inode: u64,
    /// All of it, if it was in UTF-16.
    decoded: Option<Vec<u8>>,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, ConversationError> {
        let open = OpenTranscript::open(path, u64::MAX)?;
        let file = open.into_file();
        let metadata = file.metadata()?;
        let mut source = Self {
            size: metadata.len(),
            modified: timestamp_of(metadata.modified()?),
            inode: metadata.ino(),
            file,
            decoded: None,
        };
        source.decode()?;
        Ok(source)
    }

    fn decode(&mut self) -> Result<(), ConversationError> {
        let mut beginning = [0; 4];
        let read = self.file.read_at(&mut beginning, 0)?;
        if decoded_utf_16(&beginning[..read]).is_none() {
            return Ok(());
        }
        if self.size > LARGEST_UTF_16 {
            return Err(ConversationError::LargeUtf16(self.size));
        }
        let mut bytes = Vec::new();
        (&self.file).take(self.size).read_to_end(&mut bytes)?;
        self.decoded = decoded_utf_16(&bytes);
        Ok(())
    }

    /// The size of the file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// When the file was last written.
    pub(super) fn modified(&self) -> Timestamp {
        self.modified
    }

    /// Which file it is.
    pub(super) fn inode(&self) -> u64 {
        self.inode
    }

    /// The bytes of a page. A file that was cut meanwhile gives fewer.
    pub(super) fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let [start, end] = [range.start, range.end].map(|place| usize::try_from(place).unwrap_or(usize::MAX));
        if let Some(decoded) = &self.decoded {
            return Ok(decoded.get(start..end.min(decoded.len())).unwrap_or_default().to_vec());
        }
        let mut bytes = vec![0; end - start];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.file.read_at(&mut bytes[filled..], range.start + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Finds where the pages begin.
    pub(super) fn find_pages(&self) -> io::Result<Pages> {
        let mut finder = PageFinder::default();
        if let Some(decoded) = &self.decoded {
            finder.take(decoded);
            return Ok(finder.finish());
        }
        let mut at = 0;
        while at < self.size {
            let piece = self.read(at..self.size.min(at + PIECE as u64))?;
            if piece.is_empty() {
                break;
            }
            at += piece.len() as u64;
            finder.take(&piece);
        }
        Ok(finder.finish())
    }
}
