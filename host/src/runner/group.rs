//! SessionOutcome sessions on their way into the state, a group at a time.

use std::time::{Duration, Instant};

use session_plugin_api::abi::message::capped;

use crate::{
    metrics::SessionOutcome,
    names::SessionKey,
    state::{Done, FailureKind, FailureRecord, Seen, StateError, Writer},
};

use super::{context::RunContext, memory::Held, result::RunResult, run_log::RunLog};

/// What waits for the next commit.
#[derive(Debug, Default)]
pub(super) struct Group {
    done: Vec<Done>,
    unchanged: Vec<Seen>,
    failures: Vec<FailureRecord>,
    bytes: usize,
    held: Vec<Held>,
    since: Option<Instant>,
}

const MAX_SESSIONS: usize = 512;
const MAX_BYTES: usize = 16 << 20;
/// Short, so that little is left to commit when the last attempt ends.
const MAX_WAIT: Duration = Duration::from_millis(100);

impl Group {
    pub(super) fn add_done(&mut self, done: Done) {
        self.bytes += done.size();
        self.done.push(done);
        self.since.get_or_insert_with(Instant::now);
    }

    pub(super) fn add_unchanged(&mut self, seen: Seen) {
        self.unchanged.push(seen);
        self.since.get_or_insert_with(Instant::now);
    }

    pub(super) fn add_failure(&mut self, failure: FailureRecord) {
        self.failures.push(failure);
        self.since.get_or_insert_with(Instant::now);
    }

    /// Keeps what the rows take until they are committed.
    pub(super) fn holds(&mut self, rows: Held) {
        self.held.push(rows);
    }

    /// Whether the group is large enough, or has waited long enough, to be committed.
    pub(super) fn is_due(&self) -> bool {
        self.done.len() + self.unchanged.len() + self.failures.len() >= MAX_SESSIONS
            || self.bytes >= MAX_BYTES
            || self.since.is_some_and(|since| since.elapsed() >= MAX_WAIT)
    }

    /// How long until the group has waited long enough.
    pub(super) fn due_in(&self) -> Duration {
        self.since
            .map_or(MAX_WAIT, |since| MAX_WAIT.saturating_sub(since.elapsed()))
    }

    /// Commits everything and counts in the result what is acknowledged.
    ///
    /// # Errors
    /// When the database can go on no longer.
    pub(super) fn commit(&mut self, context: &RunContext, result: &mut RunResult) -> Result<(), StateError> {
        let group = std::mem::take(self);
        context.state.write(|writer| group.write(writer, context, result))
    }

    fn write(self, writer: &Writer, context: &RunContext, result: &mut RunResult) -> Result<(), StateError> {
        let RunContext {
            destination, metrics, ..
        } = context;
        let mut failures = self.failures;
        if !self.done.is_empty() {
            let started_at = Instant::now();
            let failed = writer.commit(destination, &self.done)?;
            metrics.observe_commit(&destination.processor, started_at.elapsed());
            for done in &self.done {
                match failed.iter().find(|failed| failed.session == done.seen.session) {
                    Some(failed) => failures.push(uncommitted(done, &failed.error, &context.log)),
                    None => acknowledge(done, context, result),
                }
            }
            let duration_ms = started_at.elapsed().as_millis() as u64;
            tracing::debug!(
                sessions = self.done.len(),
                bytes = self.bytes,
                duration_ms,
                "committed a group"
            );
        }
        context.state.checkpoint_if_due();
        if !self.unchanged.is_empty() {
            writer.refresh(destination, &self.unchanged)?;
            let skipped = self.unchanged.len() as u64;
            result.skipped += skipped;
            metrics.observe_sessions(&destination.processor, SessionOutcome::Skipped, skipped);
        }
        if !failures.is_empty() {
            writer.record_failures(&destination.processor, &failures)?;
            for failure in &failures {
                result.add_error(failure.session.as_str(), &failure.error);
                metrics.observe_sessions(&destination.processor, SessionOutcome::Failed(failure.kind), 1);
            }
        }
        Ok(())
    }
}

/// Counts a session that is committed, and tells what of it could not be read.
pub(super) fn acknowledge(done: &Done, context: &RunContext, result: &mut RunResult) {
    let Done { seen, processed, .. } = done;
    let outcome = match processed.is_unrecognised() {
        true => SessionOutcome::Unrecognised,
        false => SessionOutcome::Processed,
    };
    let processor = &context.destination.processor;
    context.metrics.observe_sessions(processor, outcome, 1);
    context.metrics.observe_items(processor, processed.items_count);
    context.log.add_reading(&seen.session, processed);
    result.add(processed);
}

fn uncommitted(done: &Done, error: &StateError, log: &RunLog) -> FailureRecord {
    let session: SessionKey = done.seen.session.clone();
    let error = capped(format!("commit: {error}"));
    log.add_failure(&session, &error);
    FailureRecord {
        session,
        username: done.seen.username.clone(),
        hash: Some(done.seen.hash.clone()),
        failed_at: crate::clock::now(),
        kind: FailureKind::Error,
        error,
    }
}
