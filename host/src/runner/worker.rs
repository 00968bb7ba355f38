//! The threads that make a run's attempts.
//!
//! # Threads
//! A worker reads transcripts and makes one attempt after the other, until the dispatcher has nothing for it or its attempt was
//! abandoned. It waits for something to do, for memory, for its place on the lane, and for room in the channel to the
//! conductor. None of these waits counts as time of the attempt. A worker that ends, even by a panic, tells the conductor.

use std::{io, sync::Arc, thread, time::Instant};

use tracing::field;

use super::{
    attempt::make,
    context::RunContext,
    dispatch::{First, Next},
    message::{Message, WorkerId},
    outcome::Outcome,
    prepared::Prepared,
    read_ahead::{Worker, read_ahead},
};
use crate::threads;

/// Starts a worker.
pub(super) fn start(context: &Arc<RunContext>, worker: WorkerId) -> io::Result<()> {
    let context = Arc::clone(context);
    let name = format!("{}-{worker}", context.tables.destination.processor);
    let work = move || {
        let context = Some(context);
        AtWork { context, worker }.work();
    };
    threads::start(name, work)
}

/// A worker, until it ends.
struct AtWork {
    /// `None` once it has ended.
    context: Option<Arc<RunContext>>,
    worker: WorkerId,
}

impl AtWork {
    fn work(self) {
        if let Some(context) = &self.context {
            context.work(self.worker);
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let Some(context) = self.context.take() else { return };
        // After a panic, nobody hands over what this worker has read, so nobody may wait for it.
        if thread::panicking() {
            context.dispatcher.close();
        }
        let messages = context.messages.clone();
        // Who is told that all workers have left may drop the processor, and must be the last to hold it.
        drop(context);
        // After the run has ended, nobody receives this any more.
        let _ = messages.send(Message::Left(self.worker));
    }
}

impl RunContext {
    fn work(&self, worker: WorkerId) {
        while let Some(next) = self.dispatcher.next(self.comes_first()) {
            let goes_on = match next {
                Next::Read(candidate) => read_ahead(self, worker, candidate),
                Next::Attempt(prepared) => self.attempt(worker, prepared),
            };
            if goes_on == Worker::Ends {
                return;
            }
        }
    }

    /// While as many attempts call the processor as may, a worker does better to read than to wait for its place.
    fn comes_first(&self) -> First {
        match self.lane.is_full() {
            true => First::Reading,
            false => First::Attempts,
        }
    }

    fn attempt(&self, worker: WorkerId, prepared: Prepared) -> Worker {
        let flight = Arc::clone(&prepared.flight);
        self.flights.pass(worker, &flight);
        let outcome = self.observe(&prepared);
        self.flights.remove(&flight);
        let snapshot = prepared.read.ok().map(|read| read.snapshot);
        let bytes_read = snapshot.as_ref().map_or(0, |snapshot| snapshot.bytes.len() as u64);
        // Another run may still use it.
        if let Some(snapshot) = snapshot.and_then(Arc::into_inner) {
            self.buffers.give(snapshot.bytes);
        }
        match outcome.is_some_and(|outcome| self.report(outcome, bytes_read)) {
            true => Worker::GoesOn,
            false => Worker::Ends,
        }
    }

    /// Makes an attempt. Logs and measures it.
    fn observe(&self, prepared: &Prepared) -> Option<Outcome> {
        let flight = &prepared.flight;
        let span = tracing::error_span!(
            parent: &self.span,
            "attempt",
            session = %flight.candidate().transcript.session,
            outcome = field::Empty,
            duration_ms = field::Empty,
        );
        let _entered = span.enter();
        let started_at = Instant::now();
        let outcome = make(self, prepared);
        let duration = flight.read_in() + started_at.elapsed().saturating_sub(flight.waited());
        self.metrics
            .observe_attempt(&self.tables.destination.processor, duration);
        span.record("duration_ms", duration.as_millis() as u64);
        span.record("outcome", outcome.as_ref().map_or("abandoned", Outcome::label));
        match &outcome {
            Some(Outcome::Failed(failure)) => self.log.add_failure(&failure.session, &failure.error),
            _ => tracing::debug!("the attempt ended"),
        }
        outcome
    }

    fn report(&self, outcome: Outcome, bytes: u64) -> bool {
        let message = Message::Ended {
            rows: self.rows.hold(outcome.size()),
            outcome,
            bytes,
        };
        self.messages.send(message).is_ok()
    }
}
