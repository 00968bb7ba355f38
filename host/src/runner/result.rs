//! The result of a run.

use serde::{Deserialize, Serialize};

/// The result of a run: the same JSON on the command line, over HTTP and in the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunResult {
    /// The processor.
    pub processor: String,
    /// How many sessions were new or might have changed.
    pub scanned: u64,
    /// How many were processed and committed.
    pub processed: u64,
    /// How many turned out to be unchanged.
    pub skipped: u64,
    /// How many were left for the next run.
    pub capped: u64,
    /// How many failed.
    pub errors: u64,
    /// How many further ones failed before, and wait for their next attempt.
    #[serde(default)]
    pub waiting: u64,
    /// How many further ones failed so often that they are in quarantine.
    #[serde(default)]
    pub quarantined: u64,
    /// How many files and folders below the sessions directory could not be read, so that their sessions were not
    /// found.
    #[serde(default)]
    pub unreadable: u64,
    /// How many transcripts hold no known record. They gave no items, and are not processed again until they change.
    #[serde(default)]
    pub unrecognised: u64,
    /// How many lines of transcripts could not be read.
    #[serde(default)]
    pub unreadable_lines: u64,
    /// How many items were extracted from the processed sessions.
    pub items_extracted: u64,
    /// The first failures, at most [`RunResult::DETAILED_ERRORS`].
    pub errors_detail: Vec<SessionError>,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// How many bytes of transcripts were read.
    pub bytes_read: u64,
}

/// A session that failed in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionError {
    /// The session's key.
    pub session: String,
    /// Why it failed.
    pub error: String,
}

impl RunResult {
    /// How many failures a result lists at most.
    pub const DETAILED_ERRORS: usize = 100;

    /// Whether no session failed, and all files and folders could be read.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.errors == 0 && self.unreadable == 0
    }
}
