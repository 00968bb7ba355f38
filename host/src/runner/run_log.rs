//! What a run logs of its sessions: a cause that hits many of them is logged once, and counted.
//!
//! A broken plugin fails on every session of a tree of thousands. A line for each would bury the cause, so each cause gets
//! one line, at most five causes do, and the end of the run says how many sessions each hit. Every failure is in the state.
//!
//! # Threads
//! Workers and conductor add what they meet. The lock is held for moments; only the summary at the end of the
//! run is written under it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use session_plugin_api::abi::message::Processed;

use crate::{cause::Cause, names::SessionKey};

/// How many causes of a run get a line of their own.
const TOLD: usize = 5;

/// What was logged of a run's sessions up to now.
#[derive(Debug, Default)]
pub(super) struct RunLog {
    met: Mutex<Met>,
}

#[derive(Debug, Default)]
struct Met {
    causes: BTreeMap<Cause, Hit>,
    /// Where the processor panicked.
    places: BTreeSet<String>,
    /// Sessions that failed of further causes.
    others: u64,
    /// Transcripts that hold no known record.
    unrecognised: u64,
}

#[derive(Debug)]
struct Hit {
    first: SessionKey,
    error: String,
    sessions: u64,
}

impl RunLog {
    /// Logs what a session failed of, unless another one failed of the same before.
    pub(super) fn add_failure(&self, session: &SessionKey, error: &str) {
        if self.is_news(session, error) {
            tracing::warn!(%session, "the session failed: {error}");
        } else {
            tracing::debug!(%session, "the session failed, as others did: {error}");
        }
    }

    /// Logs a panic, unless there was one at the same place before.
    pub(super) fn add_panic(&self, place: &str, message: &str) {
        let mut met = self.lock();
        let is_news = met.places.len() < TOLD && met.places.insert(place.to_owned());
        drop(met);
        match is_news {
            true => tracing::error!(place, "the processor panicked: {message}"),
            false => tracing::debug!(place, "the processor panicked again: {message}"),
        }
    }

    /// Logs what of a session could not be read.
    pub(super) fn add_reading(&self, session: &SessionKey, processed: &Processed) {
        if processed.is_unrecognised() {
            return self.add_unrecognised(session);
        }
        let Some(reading) = processed
            .reading
            .as_ref()
            .filter(|reading| reading.unreadable_lines > 0)
        else {
            return;
        };
        let (lines, first) = (reading.unreadable_lines, &reading.first_unreadable);
        tracing::warn!(%session, lines, ?first, "lines of the transcript cannot be read: what is whole in them was read all the same");
    }

    fn add_unrecognised(&self, session: &SessionKey) {
        let mut met = self.lock();
        met.unrecognised += 1;
        let is_told = met.unrecognised <= TOLD as u64;
        drop(met);
        match is_told {
            true => {
                tracing::warn!(%session, "the transcript holds no known record: it is another agent's, of a newer format, or no JSON, line by line")
            }
            false => tracing::debug!(%session, "the transcript holds no known record, as others do"),
        }
    }

    fn is_news(&self, session: &SessionKey, error: &str) -> bool {
        let cause = Cause::of(session.as_str(), error);
        let mut met = self.lock();
        if let Some(hit) = met.causes.get_mut(&cause) {
            hit.sessions += 1;
            return false;
        }
        if met.causes.len() == TOLD {
            met.others += 1;
            return false;
        }
        let hit = Hit {
            first: session.clone(),
            error: error.to_owned(),
            sessions: 1,
        };
        met.causes.insert(cause, hit);
        true
    }

    /// Logs how many sessions failed of what was told of one of them.
    pub(super) fn sum_up(&self) {
        let met = self.lock();
        for hit in met.causes.values().filter(|hit| hit.sessions > 1) {
            let (sessions, like) = (hit.sessions, &hit.first);
            tracing::warn!(sessions, %like, "{sessions} sessions failed of one cause: {}", hit.error);
        }
        if met.unrecognised > TOLD as u64 {
            let sessions = met.unrecognised;
            tracing::warn!(sessions, "{sessions} transcripts hold no known record");
        }
        if met.others > 0 {
            let sessions = met.others;
            tracing::warn!(
                sessions,
                "{sessions} sessions failed of further causes: see `session-host failures`"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Met> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_news_once_and_of_causes_only_the_first_are() {
        let log = RunLog::default();
        let told = |number: usize, error: &str| log.is_news(&SessionKey::new(format!("a/{number}")), error);
        assert!(told(1, "disk full at 77"));
        assert!(!told(2, "disk full at 78"));
        for letter in ["a", "b", "c", "d"] {
            assert!(told(3, letter));
        }
        assert!(!told(4, "e"));
        let met = log.lock();
        assert_eq!((met.causes.len(), met.others), (TOLD, 1));
        assert_eq!(met.causes[&Cause::of("a/1", "disk full at 77")].sessions, 2);
    }
}
