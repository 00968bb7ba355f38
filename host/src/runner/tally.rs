//! Counts what a run does: the only place that counts for the run's result, its progress and the metrics of all runs.
//!
//! A session counts as processed when its rows are committed, not when its attempt ends. So a result never claims more
//! than the state holds.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    progress::Progress,
    result::{RunResult, SessionError},
};
use crate::{
    metrics::{Metrics, SessionOutcome},
    names::{ProcessorName, SessionKey},
    state::{Done, FailureRecord},
};

/// The counts of one run.
pub(super) struct Tally {
    processor: ProcessorName,
    result: RunResult,
    /// The user for whom each session was recorded that is now another one's.
    moving: HashMap<SessionKey, String>,
    progress: Arc<Progress>,
    metrics: Metrics,
}

impl Tally {
    /// Begins to count a run, of which `begun` holds what is known before its first attempt, and `moving` the earlier
    /// users of sessions that are now another one's.
    pub(super) fn begin(
        processor: &ProcessorName,
        begun: RunResult,
        moving: HashMap<SessionKey, String>,
        progress: &Arc<Progress>,
        metrics: &Metrics,
    ) -> Self {
        progress.begin(begun.scanned);
        // Begins the series at 0, so that a run without any item shows.
        metrics.observe_items(processor, 0);
        Self {
            processor: processor.clone(),
            result: begun,
            moving,
            progress: Arc::clone(progress),
            metrics: metrics.clone(),
        }
    }

    /// How many candidates the run has.
    pub(super) fn scanned(&self) -> u64 {
        self.result.scanned
    }

    /// An attempt ended, with whatever outcome, and read this many bytes.
    pub(super) fn attempt_ended(&mut self, bytes_read: u64) {
        self.progress.end(bytes_read);
        self.result.bytes_read += bytes_read;
        self.metrics.observe_bytes(&self.processor, bytes_read);
    }

    /// A session was committed.
    pub(super) fn processed(&mut self, Done { seen, processed, .. }: &Done) {
        if let Some(from) = self.moving.remove(&seen.session) {
            self.result.count_moved(&from, &seen.username);
        }
        let outcome = match processed.is_unrecognised() {
            true => SessionOutcome::Unrecognised,
            false => SessionOutcome::Processed,
        };
        match outcome {
            SessionOutcome::Unrecognised => self.result.unrecognised += 1,
            _ => self.result.processed += 1,
        }
        let reading = processed.reading.as_ref();
        self.result.unreadable_lines += reading.map_or(0, |reading| reading.unreadable_lines);
        self.result.items_extracted += processed.items_count;
        self.metrics.observe_sessions(&self.processor, outcome, 1);
        self.metrics.observe_items(&self.processor, processed.items_count);
    }

    /// Sessions were unchanged or gone.
    pub(super) fn skipped(&mut self, sessions: u64) {
        self.result.skipped += sessions;
        self.metrics
            .observe_sessions(&self.processor, SessionOutcome::Skipped, sessions);
    }

    /// A session failed, and the failure was recorded.
    pub(super) fn failed(&mut self, failure: &FailureRecord) {
        self.result.errors += 1;
        if self.result.errors_detail.len() < RunResult::DETAILED_ERRORS {
            self.result.errors_detail.push(SessionError {
                session: failure.session.to_string(),
                error: failure.error.clone(),
            });
        }
        self.metrics
            .observe_sessions(&self.processor, SessionOutcome::Failed(failure.kind), 1);
    }

    /// A commit of a session or a group took this long.
    pub(super) fn committed_in(&self, duration: Duration) {
        self.metrics.observe_commit(&self.processor, duration);
    }

    /// The result of the run. Candidates without an outcome are left for a later run.
    pub(super) fn into_result(self) -> RunResult {
        let mut result = self.result;
        let counted = result.processed + result.unrecognised + result.skipped + result.errors;
        result.capped = result.scanned.saturating_sub(counted);
        result
    }
}
