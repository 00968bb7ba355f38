//! The bytes of a transcript, wherever they lie.

use std::ops::Deref;

use super::SharedBuffer;

/// The bytes of a transcript.
#[derive(Debug)]
pub enum TranscriptBytes {
    /// In memory that only this process has.
    Own(Vec<u8>),
    /// In memory that worker processes share.
    Shared(SharedBuffer),
}

/// The bytes of a transcript, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum TranscriptSlice<'a> {
    /// In memory that only this process has.
    Own(&'a [u8]),
    /// In memory that worker processes share.
    Shared(&'a SharedBuffer),
}

impl TranscriptBytes {
    /// The bytes.
    #[must_use]
    pub fn borrow(&self) -> TranscriptSlice<'_> {
        match self {
            Self::Own(bytes) => TranscriptSlice::Own(bytes),
            Self::Shared(buffer) => TranscriptSlice::Shared(buffer),
        }
    }
}

impl Deref for TranscriptBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.borrow().as_slice()
    }
}

impl Default for TranscriptBytes {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

impl<'a> TranscriptSlice<'a> {
    /// No bytes.
    pub const NONE: TranscriptSlice<'static> = TranscriptSlice::Own(&[]);

    /// The bytes alone.
    #[must_use]
    pub fn as_slice(self) -> &'a [u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(buffer) => buffer,
        }
    }
}
