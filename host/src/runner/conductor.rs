//! Conducts a run: starts the workers, commits and counts outcomes, abandons attempts that take too long.
//!
//! # Threads
//! The conductor is one thread. It alone owns the group, the tally and the set of workers, so none of them needs a
//! lock. It wakes for each message, when the group is due, and at least every 100 ms to read the clock. It never waits
//! for a worker: it removes a worker that hangs from the set, and the run ends without it.

mod overdue;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use session_plugin_api::Concurrency;

use super::{
    context::RunContext,
    error::RunError,
    flight::Flight,
    group::{Committed, Group},
    message::{Message, WorkerId},
    outcome::Outcome,
    result::RunResult,
    shared_transaction::Settled,
    stop::StopToken,
    tables::Tables,
    tally::Tally,
    worker,
};
use crate::{
    plugins::RunsIn,
    state::{Done, StateError},
};

/// The conductor of one run.
pub(super) struct Conductor<'a> {
    context: Arc<RunContext>,
    stop: &'a StopToken,
    tally: Tally,
    group: Group,
    workers: HashSet<WorkerId>,
    abandoned: Vec<Arc<Flight>>,
    failure: Option<StateError>,
}

/// How often the conductor reads the clock while nothing happens.
const WATCH: Duration = Duration::from_millis(100);

/// How often it looks at the end whether an abandoned attempt has let go of its transaction.
const LOOKS: u32 = 50;

impl<'a> Conductor<'a> {
    /// Conducts a run whose candidates are chosen.
    pub(super) fn new(context: Arc<RunContext>, stop: &'a StopToken, tally: Tally) -> Self {
        Self {
            context,
            stop,
            tally,
            group: Group::default(),
            workers: HashSet::new(),
            abandoned: Vec::new(),
            failure: None,
        }
    }

    /// Conducts the run to its end; `inbox` receives the messages of its workers.
    ///
    /// # Errors
    /// When the run as a whole fails.
    pub(super) fn conduct(mut self, inbox: &Receiver<Message>) -> Result<RunResult, RunError> {
        self.start_workers()?;
        self.listen(inbox);
        self.end(inbox)
    }

    fn start_workers(&mut self) -> Result<(), RunError> {
        let useful = usize::try_from(self.tally.scanned()).unwrap_or(usize::MAX);
        for worker in 0..self.wanted_workers().min(useful) {
            match worker::start(&self.context, worker) {
                Ok(()) => {
                    self.workers.insert(worker);
                }
                Err(error) if self.workers.is_empty() => return Err(error.into()),
                Err(error) => tracing::warn!("the run continues with only {} workers: {error}", self.workers.len()),
            }
        }
        Ok(())
    }

    /// How many workers the run needs. In process isolation one is spare: it reads a transcript while the others wait for
    /// their worker processes.
    fn wanted_workers(&self) -> usize {
        let calls_at_once = self.context.limits.workers.max(1);
        match (self.context.tables.concurrency, self.context.executor.runs_in()) {
            (Concurrency::Serial, _) => 1,
            (Concurrency::Parallel, RunsIn::Host) => calls_at_once,
            (Concurrency::Parallel, RunsIn::Workers | RunsIn::ConfinedWorkers(_)) => calls_at_once + 1,
        }
    }

    fn listen(&mut self, inbox: &Receiver<Message>) {
        while !self.workers.is_empty() {
            let due_in = self.group.due_in().min(self.context.tables.shared.due_in());
            match inbox.recv_timeout(due_in.min(WATCH)) {
                Ok(message) => self.take(message),
                // The context holds a sender, so the channel never disconnects.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if self.group.is_due() {
                self.commit();
            }
            if self.context.tables.shared.is_due() {
                self.commit_shared();
            }
            self.end_overdue();
            self.abandoned.iter().for_each(|flight| flight.roll_back());
            self.let_go_of_a_closed_state();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Ended { outcome, bytes, rows } => {
                self.tally.attempt_ended(bytes);
                self.put(outcome);
                self.group.holds(rows);
            }
            Message::Settled(settled) => self.settle(settled),
            Message::CommitEarlier(reply) => {
                self.commit();
                let answer = self.failure.as_ref().map_or(Ok(()), |error| Err(error.to_string()));
                // The worker waits for this, unless it was abandoned meanwhile.
                let _ = reply.send(answer);
            }
            Message::Left(worker) => {
                self.workers.remove(&worker);
            }
        }
    }

    /// Puts an outcome into the group, or only counts it if there is nothing to write.
    fn put(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Gone => self.tally.skipped(1),
            Outcome::Unchanged(seen) => self.group.add_unchanged(seen),
            Outcome::Pending(done) => self.group.add_done(done),
            Outcome::Committed { done, took } => {
                self.tally.committed_in(took);
                self.acknowledge(&done);
            }
            Outcome::Failed(failure) => self.group.add_failure(failure),
            // The first counts when its group is settled. What has no outcome counts as postponed.
            Outcome::Joined | Outcome::Postponed => {}
        }
    }

    /// Commits the sessions that share a transaction, unless an attempt uses it.
    fn commit_shared(&mut self) {
        let Tables {
            state,
            destination,
            shared,
            ..
        } = &self.context.tables;
        match shared.commit(state, destination) {
            Ok(settled) => self.settle(settled),
            Err(error) => {
                self.context.dispatcher.close();
                self.failure.get_or_insert(error);
            }
        }
    }

    /// Counts the sessions that shared a transaction.
    fn settle(&mut self, Settled { done, failed, took }: Settled) {
        if !done.is_empty() {
            self.tally.committed_in(took);
            let (sessions, duration_ms) = (done.len(), took.as_millis() as u64);
            tracing::debug!(sessions, duration_ms, "committed a shared transaction");
        }
        done.iter().for_each(|done| self.acknowledge(done));
        for failure in failed {
            self.context.log.add_failure(&failure.session, &failure.error);
            self.group.add_failure(failure);
        }
    }

    fn commit(&mut self) {
        let group = std::mem::take(&mut self.group);
        if self.failure.is_some() {
            return;
        }
        let Tables { state, destination, .. } = &self.context.tables;
        let mut committed = Committed::default();
        let written = state.write(|writer| {
            group.commit(writer, destination, &mut committed)?;
            // While the writer is held, no other group commits, and most transactions are those of groups.
            state.checkpoint_if_due();
            Ok(())
        });
        self.count(&group, &committed);
        if let Err(error) = written {
            self.context.dispatcher.close();
            self.failure = Some(error);
        }
    }

    fn count(&mut self, group: &Group, committed: &Committed<'_>) {
        if let Some(took) = committed.took {
            self.tally.committed_in(took);
            let (sessions, bytes, duration_ms) = (group.sessions(), group.bytes(), took.as_millis() as u64);
            tracing::debug!(sessions, bytes, duration_ms, "committed a group");
        }
        for done in &committed.done {
            self.acknowledge(done);
        }
        if committed.unchanged > 0 {
            self.tally.skipped(committed.unchanged);
        }
        for failure in &committed.refused {
            self.context.log.add_failure(&failure.session, &failure.error);
        }
        for failure in committed.failures.iter().chain(&committed.refused) {
            self.tally.failed(failure);
        }
    }

    /// Counts a committed session, and logs which of its lines could not be read.
    fn acknowledge(&mut self, done: &Done) {
        self.tally.processed(done);
        self.context.log.add_reading(&done.seen.session, &done.processed);
    }

    /// Rolls all transactions back if the state is closed. It is reopened once no attempt holds a connection to it.
    fn let_go_of_a_closed_state(&mut self) {
        let Some(error) = self.context.tables.state.closed() else {
            return;
        };
        self.context.dispatcher.close();
        self.failure.get_or_insert(error);
        self.context.flights.roll_back();
        self.context.tables.shared.give_up();
    }

    fn end(mut self, inbox: &Receiver<Message>) -> Result<RunResult, RunError> {
        self.end_shared();
        // A worker may have committed a group while its own attempt was abandoned.
        for message in inbox.try_iter() {
            if let Message::Settled(settled) = message {
                self.settle(settled);
            }
        }
        self.commit();
        if let Some(error) = self.failure {
            return Err(error.into());
        }
        if let Some(error) = self.context.take_failure() {
            return Err(error);
        }
        Ok(self.tally.into_result())
    }

    /// Commits the last sessions that share a transaction. An abandoned attempt may still run a statement in the
    /// transaction that was theirs, and so stand in their way for a moment.
    fn end_shared(&mut self) {
        self.context.tables.shared.miss();
        for _ in 0..LOOKS {
            self.commit_shared();
            if self.failure.is_some() || self.context.tables.shared.sessions() == 0 {
                break;
            }
            self.abandoned.iter().for_each(|flight| flight.roll_back());
            thread::sleep(WATCH);
        }
        let left = self.context.tables.shared.give_up();
        if left > 0 {
            tracing::warn!(
                sessions = left,
                "cannot commit these sessions: the next run attempts them again"
            );
        }
    }
}
