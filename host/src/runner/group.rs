//! Collects sessions and commits them together, because a transaction for each would cost more than most attempts.

use std::time::{Duration, Instant};

use super::{memory::Held, outcome::failure};
use crate::state::{CommitError, Destination, Done, FailureKind, FailureRecord, Seen, StateError, Writer};

/// The outcomes that wait for the next commit.
#[derive(Debug, Default)]
pub(super) struct Group {
    done: Vec<Done>,
    unchanged: Vec<Seen>,
    failures: Vec<FailureRecord>,
    bytes: usize,
    held: Vec<Held>,
    since: Option<Instant>,
}

/// The part of a group that is in the state.
#[derive(Debug, Default)]
pub(super) struct Committed<'a> {
    /// The sessions whose rows are committed.
    pub(super) done: Vec<&'a Done>,
    /// How many unchanged sessions are recorded as checked.
    pub(super) unchanged: u64,
    /// The failed attempts that are recorded.
    pub(super) failures: &'a [FailureRecord],
    /// The sessions that the database rejected, recorded as failed.
    pub(super) refused: Vec<FailureRecord>,
    /// How long the commit of the rows took, if there were any.
    pub(super) took: Option<Duration>,
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

    /// Holds the memory of the rows until the group is dropped.
    pub(super) fn holds(&mut self, rows: Held) {
        self.held.push(rows);
    }

    /// How many sessions with rows it has.
    pub(super) fn sessions(&self) -> usize {
        self.done.len()
    }

    /// How many bytes their rows take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
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

    /// Commits everything. A session that the database rejects is recorded as failed and does not affect the others.
    ///
    /// `committed` says what is in the state, even if this fails, because earlier steps are not undone.
    ///
    /// # Errors
    /// When the database cannot continue.
    pub(super) fn commit<'a>(
        &'a self,
        writer: &Writer,
        destination: &Destination,
        committed: &mut Committed<'a>,
    ) -> Result<(), StateError> {
        let mut refused = Vec::new();
        if !self.done.is_empty() {
            let started_at = Instant::now();
            let errors = writer.commit(destination, &self.done)?;
            committed.took = Some(started_at.elapsed());
            for done in &self.done {
                match errors.iter().find(|error| error.session == done.seen.session) {
                    Some(CommitError { error, .. }) => refused.push(uncommitted(done, error)),
                    None => committed.done.push(done),
                }
            }
        }
        if !self.unchanged.is_empty() {
            writer.refresh(destination, &self.unchanged)?;
            committed.unchanged = self.unchanged.len() as u64;
        }
        if !self.failures.is_empty() {
            writer.record_failures(destination, &self.failures)?;
            committed.failures = &self.failures;
        }
        if !refused.is_empty() {
            writer.record_failures(destination, &refused)?;
            committed.refused = refused;
        }
        Ok(())
    }
}

fn uncommitted(done: &Done, error: &StateError) -> FailureRecord {
    failure(&done.seen, FailureKind::Error, error.to_string())
}
