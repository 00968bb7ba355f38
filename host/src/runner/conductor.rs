//! The thread that conducts a run: starts the workers, commits their outcomes, watches the clock.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use session_plugin_api::Concurrency;

use super::{
    context::RunContext,
    error::RunError,
    flight::Flight,
    group::{Group, acknowledge},
    message::{Message, WorkerId},
    outcome::{Outcome, failure},
    progress::Progress,
    result::RunResult,
    stop::StopToken,
    worker,
};
use crate::{
    metrics::SessionOutcome,
    state::{FailureKind, StateError},
};

/// What the conducting thread keeps to itself.
pub(super) struct Conductor<'a> {
    context: Arc<RunContext>,
    stop: &'a StopToken,
    progress: &'a Progress,
    group: Group,
    result: RunResult,
    workers: HashSet<WorkerId>,
    abandoned: Vec<Arc<Flight>>,
    failure: Option<StateError>,
}

/// How often the clock is looked at while nothing happens.
const WATCH: Duration = Duration::from_millis(100);

impl<'a> Conductor<'a> {
    /// Conducts a run whose candidates are chosen; `result` is what is known of it so far.
    pub(super) fn new(
        context: Arc<RunContext>,
        stop: &'a StopToken,
        progress: &'a Progress,
        result: RunResult,
    ) -> Self {
        Self {
            context,
            stop,
            progress,
            group: Group::default(),
            result,
            workers: HashSet::new(),
            abandoned: Vec::new(),
            failure: None,
        }
    }

    /// Conducts the run to its end; `inbox` is where its workers' messages come.
    ///
    /// # Errors
    /// When the run as a whole fails.
    pub(super) fn conduct(mut self, inbox: &Receiver<Message>) -> Result<RunResult, RunError> {
        self.start_workers()?;
        self.listen(inbox);
        self.end()
    }

    fn start_workers(&mut self) -> Result<(), RunError> {
        let wanted = match self.context.processor.descriptor().concurrency() {
            Concurrency::Serial => 1,
            Concurrency::Parallel => self.context.limits.workers.max(1),
        };
        let useful = usize::try_from(self.result.scanned).unwrap_or(usize::MAX);
        for worker in 0..wanted.min(useful) {
            match worker::start(&self.context, worker) {
                Ok(()) => {
                    self.workers.insert(worker);
                }
                Err(error) if self.workers.is_empty() => return Err(error.into()),
                Err(error) => tracing::warn!("the run goes on with {} workers: {error}", self.workers.len()),
            }
        }
        Ok(())
    }

    fn listen(&mut self, inbox: &Receiver<Message>) {
        while !self.workers.is_empty() {
            match inbox.recv_timeout(self.group.due_in().min(WATCH)) {
                Ok(message) => self.take(message),
                // The context holds a sender: nobody disconnects.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if self.group.is_due() {
                self.commit();
            }
            self.abandon_overdue();
            self.abandoned.iter().for_each(|flight| flight.roll_back());
            self.let_go_of_a_closed_state();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Ended {
                outcome,
                bytes,
                rows,
                committed,
            } => {
                self.progress.end(bytes);
                self.result.bytes_read += bytes;
                self.context
                    .metrics
                    .observe_bytes(&self.context.destination.processor, bytes);
                self.count(outcome);
                self.group.holds(rows);
                if let Some(committed) = committed {
                    self.commit();
                    // The worker waits, unless it was abandoned meanwhile.
                    let _ = committed.send(());
                }
            }
            Message::CommitEarlier(reply) => {
                self.commit();
                let answer = self.failure.as_ref().map_or(Ok(()), |error| Err(error.to_string()));
                // As above.
                let _ = reply.send(answer);
            }
            Message::Left(worker) => {
                self.workers.remove(&worker);
            }
        }
    }

    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Gone => {
                self.result.skipped += 1;
                let processor = &self.context.destination.processor;
                self.context
                    .metrics
                    .observe_sessions(processor, SessionOutcome::Skipped, 1);
            }
            Outcome::Unchanged(seen) => self.group.add_unchanged(seen),
            Outcome::Pending(done) => self.group.add_done(done),
            Outcome::Committed(done) => acknowledge(&done, &self.context, &mut self.result),
            Outcome::Failed(failure) => self.group.add_failure(failure),
            Outcome::Postponed => self.result.capped += 1,
        }
    }

    fn commit(&mut self) {
        if self.failure.is_some() {
            self.group = Group::default();
            return;
        }
        if let Err(error) = self.group.commit(&self.context, &mut self.result) {
            self.context.dispatcher.close();
            self.failure = Some(error);
        }
    }

    /// A state that is closed is opened anew when no attempt holds a connection to it any more.
    fn let_go_of_a_closed_state(&mut self) {
        let Some(error) = self.context.state.closed() else {
            return;
        };
        self.context.dispatcher.close();
        self.failure.get_or_insert(error);
        for (_, flight) in self.context.lock_flights().iter() {
            flight.roll_back();
        }
    }

    fn abandon_overdue(&mut self) {
        for (worker, flight) in self.overdue() {
            let session = &flight.candidate().transcript.session;
            if !flight.abandon(|| self.context.processor.wedge(session.as_str())) {
                continue;
            }
            self.workers.remove(&worker);
            self.context.dispatcher.close();
            if self.stop.stopped_at().is_some() {
                tracing::warn!(%session, "the attempt does not return in time: abandoned, to be made again");
                self.result.capped += 1;
            } else {
                let seconds = self.context.limits.attempt_timeout.as_secs();
                let error = format!("did not return within attempt_timeout_seconds ({seconds} s): abandoned");
                tracing::error!(%session, "{error}; the processor is out of service until the attempt returns");
                self.group
                    .add_failure(failure(flight.candidate(), None, FailureKind::Timeout, error));
            }
            self.abandoned.push(flight);
        }
    }

    fn overdue(&self) -> Vec<(WorkerId, Arc<Flight>)> {
        let limits = &self.context.limits;
        let shutdown_is_over = self
            .stop
            .stopped_at()
            .is_some_and(|since| since.elapsed() >= limits.shutdown_grace);
        let is_overdue = |busy_since: Instant| shutdown_is_over || busy_since.elapsed() >= limits.attempt_timeout;
        let flights = self.context.lock_flights();
        let overdue = flights
            .iter()
            .filter(|(_, flight)| flight.busy_since().is_some_and(is_overdue));
        overdue.map(|(worker, flight)| (*worker, Arc::clone(flight))).collect()
    }

    fn end(mut self) -> Result<RunResult, RunError> {
        self.commit();
        if let Some(error) = self.failure {
            return Err(error.into());
        }
        if let Some(error) = self.context.take_failure() {
            return Err(error);
        }
        self.result.capped += self.context.dispatcher.left();
        Ok(self.result)
    }
}
