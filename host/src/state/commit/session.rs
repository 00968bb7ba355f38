//! A session that a processor has processed, as a commit takes it.

use session_plugin_api::{Timestamp, abi::message::Processed};

use crate::{
    names::{FileHash, SessionKey},
    state::{records::sessions::EarlierVersion, rows::batch::PendingRows},
};

/// The version of a transcript that the host read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The session.
    pub session: SessionKey,
    /// The user that it is recorded for.
    pub username: String,
    /// The hash of the bytes that were read.
    pub hash: FileHash,
    /// How many bytes were read.
    pub size: u64,
    /// When the file was last written, according to its metadata before it was read.
    pub modified: Timestamp,
    /// When the bytes were read.
    pub read_at: Timestamp,
}

impl Seen {
    /// An earlier version of a session. Of its file, only the hash is known.
    #[must_use]
    pub fn of_earlier(session: &SessionKey, version: &EarlierVersion) -> Self {
        Self {
            session: session.clone(),
            username: version.username.clone(),
            hash: version.hash.clone().unwrap_or_else(|| FileHash::from_hex("")),
            size: 0,
            modified: Timestamp::from_micros(0),
            read_at: Timestamp::from_micros(0),
        }
    }
}

/// A session that a processor has processed, with the results.
#[derive(Clone, Debug)]
pub struct Done {
    /// The version of the transcript.
    pub seen: Seen,
    /// The processor's counts of extracted items and unreadable lines.
    pub processed: Processed,
    /// The rows that replace the session's earlier ones.
    pub rows: Vec<PendingRows>,
}

impl Done {
    /// How many bytes of memory the rows take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.rows.iter().map(PendingRows::size).sum()
    }
}
