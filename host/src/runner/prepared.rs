//! A candidate whose transcript was read, so that its attempt can be made.

use std::{io, sync::Arc};

use super::{
    candidates::{Candidate, Reason},
    flight::Flight,
};
use crate::{
    sessions::{Snapshot, SnapshotError, Transcript},
    state::Seen,
};

/// A candidate whose transcript was read, or could not be read.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Its attempt.
    pub(super) flight: Arc<Flight>,
    /// What was read.
    pub(super) read: Result<ReadTranscript, SnapshotError>,
}

/// A transcript that was read.
#[derive(Debug)]
pub(super) struct ReadTranscript {
    /// Its version.
    pub(super) seen: Seen,
    /// Its bytes, which other runs may share.
    pub(super) snapshot: Arc<Snapshot>,
}

/// What there is to do for a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// An attempt, or the record of a failed one.
    Attempt,
    /// Nothing: the transcript is gone, or has not changed.
    Nothing,
}

impl Prepared {
    /// What there is to do.
    pub(super) fn need(&self) -> Need {
        match &self.read {
            Ok(read) if is_unchanged(self.flight.candidate(), &read.seen) => Need::Nothing,
            Err(SnapshotError::Read(source)) if source.kind() == io::ErrorKind::NotFound => Need::Nothing,
            Ok(_) | Err(_) => Need::Attempt,
        }
    }
}

impl ReadTranscript {
    /// This snapshot of this transcript.
    pub(super) fn new(transcript: &Transcript, snapshot: Arc<Snapshot>) -> Self {
        Self {
            seen: seen(transcript, &snapshot),
            snapshot,
        }
    }
}

/// The version of a session that a snapshot holds.
#[must_use]
pub fn seen(transcript: &Transcript, snapshot: &Snapshot) -> Seen {
    Seen {
        session: transcript.session.clone(),
        username: transcript.username.clone(),
        hash: snapshot.hash.clone(),
        size: snapshot.size,
        modified: snapshot.modified,
        read_at: snapshot.read_at,
    }
}

fn is_unchanged(candidate: &Candidate, seen: &Seen) -> bool {
    matches!(&candidate.reason, Reason::Changed { recorded: Some(hash) } if *hash == seen.hash)
}
