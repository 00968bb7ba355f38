//! The runs under way, for code that watches or waits for them.
//!
//! # Threads
//! Any thread may read them at any time: the lock is held only for moments, so health and commands never wait for a run.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use session_plugin_api::Timestamp;

use crate::{clock, names::ProcessorName, runner::Progress, state::Actor};

/// A run under way, for code that watches it.
#[derive(Clone, Debug)]
pub struct RunUnderWay {
    /// Who started it.
    pub actor: Actor,
    /// When it began.
    pub started_at: Timestamp,
    /// Its progress.
    pub progress: Arc<Progress>,
}

/// A listed run under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunListing {
    /// Who started it: `cli`, `scheduler`, `admin`, or the role and the name of a token.
    pub actor: String,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// How many candidates it has; 0 until the scan has ended.
    pub scanned: u64,
    /// How many of them have ended.
    pub settled: u64,
    /// How many bytes of transcripts it has read.
    pub bytes_read: u64,
}

impl From<&RunUnderWay> for RunListing {
    fn from(run: &RunUnderWay) -> Self {
        Self {
            actor: run.actor.as_str().to_owned(),
            started_at: clock::text_of(run.started_at),
            scanned: run.progress.scanned(),
            settled: run.progress.ended(),
            bytes_read: run.progress.bytes_read(),
        }
    }
}

/// The runs under way, by their processors.
#[derive(Debug, Default)]
pub(super) struct RunsUnderWay {
    runs: Mutex<BTreeMap<ProcessorName, RunUnderWay>>,
    ended: Condvar,
}

impl RunsUnderWay {
    /// Adds the run of a processor.
    pub(super) fn begin(&self, processor: &ProcessorName, run: RunUnderWay) {
        self.lock().insert(processor.clone(), run);
    }

    /// Removes the run of a processor.
    pub(super) fn end(&self, processor: &ProcessorName) {
        self.lock().remove(processor);
        self.ended.notify_all();
    }

    /// The run of a processor, if one is under way.
    pub(super) fn of(&self, processor: &ProcessorName) -> Option<RunUnderWay> {
        self.lock().get(processor).cloned()
    }

    /// The processors whose runs are under way.
    pub(super) fn processors(&self) -> Vec<ProcessorName> {
        self.lock().keys().cloned().collect()
    }

    /// All runs, for lists.
    pub(super) fn list(&self) -> BTreeMap<String, RunListing> {
        let runs = self.lock();
        let listed = runs.iter().map(|(name, run)| (name.to_string(), run.into()));
        listed.collect()
    }

    /// Waits until no run is under way, for at most `patience`; returns whether that is so.
    pub(super) fn wait(&self, patience: Duration) -> bool {
        let waited = self
            .ended
            .wait_timeout_while(self.lock(), patience, |runs| !runs.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ProcessorName, RunUnderWay>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
