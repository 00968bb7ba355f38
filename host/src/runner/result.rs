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
    /// How many processed sessions were recorded for another user before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Moved>,
    /// The first failures, at most [`RunResult::DETAILED_ERRORS`].
    pub errors_detail: Vec<SessionError>,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// How many bytes of transcripts were read.
    pub bytes_read: u64,
}

/// Sessions that are recorded for another user than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The user that they were recorded for.
    pub from: String,
    /// The user that they are recorded for.
    pub to: String,
    /// How many there are.
    pub sessions: u64,
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

    /// The result of a run that had no session to look at.
    #[must_use]
    pub fn of_nothing(processor: &crate::names::ProcessorName) -> Self {
        Self {
            processor: processor.to_string(),
            ..Self::default()
        }
    }

    /// Counts a session that is recorded for another user than before.
    pub(super) fn count_moved(&mut self, from: &str, to: &str) {
        let is_such = |moved: &&mut Moved| moved.from == from && moved.to == to;
        match self.moved.iter_mut().find(is_such) {
            Some(moved) => moved.sessions += 1,
            None => self.moved.push(Moved {
                from: from.to_owned(),
                to: to.to_owned(),
                sessions: 1,
            }),
        }
    }

    /// Whether it recorded of no session that it was processed or has failed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.processed == 0 && self.errors == 0
    }

    /// Whether no session failed, and all files and folders could be read.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.errors == 0 && self.unreadable == 0
    }
}
