//! Ends the attempts that exceed `attempt_timeout_seconds`, or the grace period of a shutdown.
//!
//! An attempt in a worker process ends with that process, and the run continues. No thread can end an attempt in the host's own
//! process: it is abandoned, and the processor is wedged until the attempt returns.

use std::{sync::Arc, time::Instant};

use super::Conductor;
use crate::{
    runner::{
        flight::{Flight, Killed},
        outcome::failure,
    },
    state::FailureKind,
};

impl Conductor<'_> {
    /// Ends the attempts that take too long: kills their worker processes, or abandons those that run in this process.
    pub(super) fn end_overdue(&mut self) {
        let limits = &self.context.limits;
        let stopped_at = self.stop.stopped_at();
        let grace_is_over = stopped_at.is_some_and(|since| since.elapsed() >= limits.shutdown_grace);
        let is_overdue = |busy_since: Instant| grace_is_over || busy_since.elapsed() >= limits.attempt_timeout;
        let why = match stopped_at {
            Some(_) => Killed::Shutdown,
            None => Killed::Overdue(limits.attempt_timeout),
        };
        for (worker, flight) in self.context.flights.overdue(is_overdue) {
            let session = &flight.candidate().transcript.session;
            if flight.kill(why) {
                continue;
            }
            if flight.abandon(|| self.context.executor.abandon(session)) {
                self.workers.remove(&worker);
                self.context.tables.shared.miss();
                self.context.dispatcher.close();
                self.put_abandoned(flight);
            }
        }
    }

    fn put_abandoned(&mut self, flight: Arc<Flight>) {
        let transcript = &flight.candidate().transcript;
        let session = &transcript.session;
        if self.stop.stopped_at().is_some() {
            tracing::warn!(%session, "abandoned the attempt, because it did not end before the service must; the next run attempts the session again");
        } else {
            let seconds = self.context.limits.attempt_timeout.as_secs();
            let error =
                format!("the attempt was abandoned: it did not return within attempt_timeout_seconds ({seconds} s)");
            tracing::error!(%session, "{error}; the processor is out of service until the attempt returns");
            let failure = failure(transcript, FailureKind::Timeout, error);
            self.group.add_failure(failure);
        }
        self.abandoned.push(flight);
    }
}
