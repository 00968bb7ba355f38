//! What a run logs about its sessions: a cause that affects many of them is logged once, and counted.
//!
//! A broken plugin fails on every one of thousands of sessions. A line for each would bury the cause. So at most five
//! causes get a line each, and at its end the run logs how many sessions each cause affected. Every failure is in the
//! state.
//!
//! # Threads
//! Workers and conductor add failures. The lock is held only for moments, except for the summary at the end of the run,
//! which is logged under it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use session_plugin_api::abi::message::Processed;

use crate::{cause::Cause, names::SessionKey};

/// How many causes of a run get their own line.
const LOGGED: usize = 5;

/// What a run has logged about its sessions so far.
#[derive(Debug, Default)]
pub(super) struct RunLog {
    met: Mutex<Met>,
}

#[derive(Debug, Default)]
struct Met {
    causes: BTreeMap<Cause, Hit>,
    /// Where the processor panicked.
    places: BTreeSet<String>,
    /// Sessions that failed from further causes.
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
    /// Logs why a session failed, unless another one failed from the same cause before.
    pub(super) fn add_failure(&self, session: &SessionKey, error: &str) {
        if self.is_news(session, error) {
            tracing::warn!(%session, "the session failed: {error}");
        } else {
            tracing::debug!(%session, "the session failed, as others did: {error}");
        }
    }

    /// Logs a panic, unless one at the same place was logged before.
    pub(super) fn add_panic(&self, place: &str, message: &str) {
        let mut met = self.lock();
        let is_news = met.places.len() < LOGGED && met.places.insert(place.to_owned());
        drop(met);
        match is_news {
            true => tracing::error!(place, "the processor panicked: {message}"),
            false => tracing::debug!(place, "the processor panicked again: {message}"),
        }
    }

    /// Logs which lines of a session could not be read.
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
        tracing::warn!(%session, lines, ?first, "some lines of the transcript cannot be read; the rest was processed");
    }

    fn add_unrecognised(&self, session: &SessionKey) {
        let mut met = self.lock();
        met.unrecognised += 1;
        let is_logged = met.unrecognised <= LOGGED as u64;
        drop(met);
        match is_logged {
            true => {
                tracing::warn!(%session, "the transcript holds no known record: another agent wrote it, its format is newer, or its lines are not JSON")
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
        if met.causes.len() == LOGGED {
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

    /// Logs how many sessions failed from each cause that has its own line.
    pub(super) fn sum_up(&self) {
        let met = self.lock();
        for hit in met.causes.values().filter(|hit| hit.sessions > 1) {
            let (sessions, like) = (hit.sessions, &hit.first);
            tracing::warn!(sessions, %like, "{sessions} sessions failed from one cause: {}", hit.error);
        }
        if met.unrecognised > LOGGED as u64 {
            let sessions = met.unrecognised;
            tracing::warn!(sessions, "{sessions} transcripts hold no known record");
        }
        if met.others > 0 {
            let sessions = met.others;
            tracing::warn!(
                sessions,
                "{sessions} sessions failed from other causes: see `session-host failures`"
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
    fn each_of_the_first_causes_is_logged_once_and_no_further_one() {
        let log = RunLog::default();
        let is_logged = |number: usize, error: &str| log.is_news(&SessionKey::new(format!("a/{number}")), error);
        assert!(is_logged(1, "disk full at 77"));
        assert!(!is_logged(2, "disk full at 78"));
        for letter in ["a", "b", "c", "d"] {
            assert!(is_logged(3, letter));
        }
        assert!(!is_logged(4, "e"));
        let met = log.lock();
        assert_eq!((met.causes.len(), met.others), (LOGGED, 1));
        assert_eq!(met.causes[&Cause::of("a/1", "disk full at 77")].sessions, 2);
    }
}
