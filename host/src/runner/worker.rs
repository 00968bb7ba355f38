//! The threads that make a run's attempts.
//!
//! # Threads
//! A worker makes one attempt after the other, until the dispatcher has no candidate for it or its attempt was
//! abandoned. It waits for a candidate, for memory, for its place on the lane, and for room in the channel to the
//! conductor. None of these waits counts as time of the attempt. A worker of a serial processor also waits for each
//! commit. A worker that ends, even by a panic, tells the conductor.

use std::{
    io,
    sync::{Arc, mpsc::sync_channel},
    time::Instant,
};

use session_plugin_api::Concurrency;
use tracing::field;

use super::{
    attempt::make,
    context::RunContext,
    flight::Flight,
    message::{Message, WorkerId},
    outcome::Outcome,
};
use crate::threads;

/// A buffer that grew beyond this many bytes is not kept for the next transcript.
const KEPT_BUFFER: usize = 16 << 20;

/// Starts a worker.
pub(super) fn start(context: &Arc<RunContext>, worker: WorkerId) -> io::Result<()> {
    let context = Arc::clone(context);
    let name = format!("{}-{worker}", context.tables.destination.processor);
    let work = move || {
        let leaving = Leaving {
            context: Arc::clone(&context),
            worker,
        };
        context.work(worker);
        drop(leaving);
    };
    threads::start(name, work)
}

struct Leaving {
    context: Arc<RunContext>,
    worker: WorkerId,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        // After the run has ended, nobody receives this any more.
        let _ = self.context.messages.send(Message::Left(self.worker));
    }
}

impl RunContext {
    fn work(&self, worker: WorkerId) {
        let mut buffer = Vec::new();
        while let Some(candidate) = self.dispatcher.next() {
            let flight = self.flights.begin(worker, candidate);
            let outcome = self.attempt(&flight, &mut buffer);
            self.flights.remove(&flight);
            let Some(outcome) = outcome else { return };
            if !self.report(outcome, buffer.len() as u64) {
                return;
            }
            if buffer.capacity() > KEPT_BUFFER {
                buffer = Vec::new();
            }
        }
    }

    fn attempt(&self, flight: &Flight, buffer: &mut Vec<u8>) -> Option<Outcome> {
        let transcript = &flight.candidate().transcript;
        let span = tracing::error_span!(
            parent: &self.span,
            "attempt",
            session = %transcript.session,
            outcome = field::Empty,
            duration_ms = field::Empty,
        );
        let _entered = span.enter();
        let started_at = Instant::now();
        buffer.clear();
        let outcome = make(self, flight, buffer);
        let duration = started_at.elapsed().saturating_sub(flight.waited());
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
        let serial = self.tables.concurrency == Concurrency::Serial;
        let (committed, wait) = match serial {
            true => {
                let (committed, wait) = sync_channel(1);
                (Some(committed), Some(wait))
            }
            false => (None, None),
        };
        let message = Message::Ended {
            rows: self.rows.hold(outcome.size()),
            outcome,
            bytes,
            committed,
        };
        self.messages.send(message).is_ok() && wait.is_none_or(|wait| wait.recv().is_ok())
    }
}
