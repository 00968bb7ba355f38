//! Tells what a run would attempt, without making it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    candidates::{Candidate, ChosenBy, Clocks, Reason, choose, leave_out},
    retry_policy::Retries,
};
use crate::{
    names::SessionKey,
    sessions::Transcript,
    state::{FailingSession, SessionState},
};

/// The sessions that a run of a processor would attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorPreview {
    /// The processor.
    pub processor: String,
    /// Its candidates.
    #[serde(flatten)]
    pub candidates: Preview,
}

/// The candidates of a run, by reason. Each counts for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// All of them.
    #[serde(flatten)]
    pub all: Volume,
    /// Those that the processor has never processed.
    pub new: Volume,
    /// Those that may have changed.
    pub changed: Volume,
    /// Those that were processed by an older output version, are marked to be processed again, or were recorded for
    /// another user.
    pub outdated: Volume,
    /// Those whose last attempt failed, whatever else holds.
    pub failed: Volume,
    /// How many failed sessions are no candidates yet, because they wait for their backoff.
    pub waiting: u64,
    /// How many failed sessions are no candidates, because they are in quarantine.
    pub quarantined: u64,
}

/// Some sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// How many there are.
    pub sessions: u64,
    /// The size of their transcripts.
    pub bytes: u64,
}

impl Preview {
    /// What a run would attempt of these transcripts.
    #[must_use]
    pub fn of(
        transcripts: &[Transcript],
        states: &HashMap<SessionKey, SessionState>,
        retries: &Retries<'_>,
        output_version: u32,
    ) -> Self {
        let chosen_by = ChosenBy {
            output_version,
            clocks: Clocks::One,
        };
        let mut preview = Self::default();
        let mut candidates = choose(transcripts.to_vec(), states, retries.failing, chosen_by);
        let left_out = leave_out(&mut candidates, retries);
        (preview.waiting, preview.quarantined) = (left_out.waiting, left_out.quarantined);
        for candidate in candidates {
            let size = candidate.transcript.size;
            preview.all.add(size);
            preview.volume_of(&candidate, retries.failing).add(size);
        }
        preview
    }

    fn volume_of(&mut self, candidate: &Candidate, failing: &HashMap<SessionKey, FailingSession>) -> &mut Volume {
        if failing.contains_key(&candidate.transcript.session) {
            return &mut self.failed;
        }
        match (&candidate.reason, &candidate.earlier) {
            (Reason::Outdated, _) => &mut self.outdated,
            (Reason::Changed { .. }, None) => &mut self.new,
            (Reason::Changed { .. }, Some(_)) => &mut self.changed,
        }
    }
}

impl Volume {
    /// The volume of these transcripts.
    #[must_use]
    pub fn of(transcripts: &[Transcript]) -> Self {
        let mut volume = Self::default();
        for transcript in transcripts {
            volume.add(transcript.size);
        }
        volume
    }

    fn add(&mut self, bytes: u64) {
        self.sessions += 1;
        self.bytes += bytes;
    }
}
