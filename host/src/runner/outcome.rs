//! How an attempt ended, and the record of a failed one.

use std::time::Duration;

use session_plugin_api::abi::capped;

use crate::{
    clock,
    names::{FileHash, SessionKey},
    sessions::Transcript,
    state::{Done, FailureKind, FailureRecord, FileLook, Seen},
};

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The transcript is gone.
    Gone,
    /// The session had not changed, so the processor was not called.
    Unchanged(Seen),
    /// It succeeded; its rows wait for the commit of a group.
    Pending(Done),
    /// It succeeded, and its own transaction is committed, so its rows are no longer held.
    Committed {
        /// What was committed, without the rows.
        done: Done,
        /// How long the commit took.
        took: Duration,
    },
    /// It succeeded, and waits for the commit of the transaction that it shares.
    Joined,
    /// It failed.
    Failed(FailureRecord),
    /// The processor postponed it to a later run.
    Postponed,
}

impl Outcome {
    /// How many bytes of memory its rows take.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Pending(done) => done.size() as u64,
            _ => 0,
        }
    }

    /// Its name in the log.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Unchanged(_) => "skipped",
            Self::Pending(_) | Self::Committed { .. } | Self::Joined => "processed",
            Self::Failed(failure) => failure.kind.as_str(),
            Self::Postponed => "postponed",
        }
    }
}

/// The transcript of a failed attempt, as far as it is known.
pub(super) struct Attempted<'a> {
    session: &'a SessionKey,
    username: &'a str,
    hash: Option<&'a FileHash>,
    file: FileLook,
}

/// As the scan saw it: nothing was read.
impl<'a> From<&'a Transcript> for Attempted<'a> {
    fn from(transcript: &'a Transcript) -> Self {
        Self {
            session: &transcript.session,
            username: &transcript.username,
            hash: None,
            file: FileLook {
                size: transcript.size,
                modified: transcript.modified,
            },
        }
    }
}

/// As it was read.
impl<'a> From<&'a Seen> for Attempted<'a> {
    fn from(seen: &'a Seen) -> Self {
        Self {
            session: &seen.session,
            username: &seen.username,
            hash: Some(&seen.hash),
            file: FileLook {
                size: seen.size,
                modified: seen.modified,
            },
        }
    }
}

/// The record of a failed attempt.
pub(super) fn failure<'a>(attempted: impl Into<Attempted<'a>>, kind: FailureKind, error: String) -> FailureRecord {
    let Attempted {
        session,
        username,
        hash,
        file,
    } = attempted.into();
    FailureRecord {
        session: session.clone(),
        username: username.to_owned(),
        hash: hash.cloned(),
        file,
        failed_at: clock::now(),
        kind,
        error: capped(error),
    }
}
