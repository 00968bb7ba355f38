//! What a scan finds.

use std::path::PathBuf;

use session_plugin_api::Timestamp;

use crate::names::SessionKey;

/// A transcript as the scan found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The session.
    pub session: SessionKey,
    /// Its path.
    pub path: PathBuf,
    /// The user that it is recorded for.
    pub username: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// When its content or attributes last changed. No program can set this time back.
    pub changed: Timestamp,
}

/// The result of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The transcripts, sorted by key.
    pub transcripts: Vec<Transcript>,
    /// Files and folders that cannot be read and may hold transcripts. An unreadable file in a readable folder is also
    /// among the transcripts.
    pub unreadable: Vec<Unreadable>,
}

/// A file or folder that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its path.
    pub path: PathBuf,
    /// What the system says.
    pub reason: String,
}

/// How many unreadable files and folders a message names.
const NAMED: usize = 3;

impl Scan {
    /// The first unreadable files and folders by name, and how many more there are.
    #[must_use]
    pub fn named_unreadable(&self) -> String {
        let named = self.unreadable.iter().take(NAMED);
        let mut named: Vec<String> = named
            .map(|unreadable| format!("{} ({})", unreadable.path.display(), unreadable.reason))
            .collect();
        if self.unreadable.len() > NAMED {
            named.push(format!("{} more", self.unreadable.len() - NAMED));
        }
        named.join(", ")
    }
}
