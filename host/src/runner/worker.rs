//! The threads that make a run's attempts.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    time::Instant,
};

use session_plugin_api::Concurrency;
use tracing::{Span, field};

use super::{
    attempt::{Verdict, settle},
    candidates::Candidate,
    complaints::Complaints,
    dispatch::Dispatcher,
    flight::Flight,
    lane::Lane,
    memory::{Held, MemoryBudget},
    run::{RunError, RunLimits},
};
use crate::{
    metrics::Metrics,
    plugins::Processor,
    state::{Destination, State, StatementRules},
    threads,
};

/// All that the threads of a run share. They own it, so that one that hangs can be left behind.
pub(super) struct RunContext {
    /// What plugins tell this run from others by.
    pub(super) number: u64,
    pub(super) processor: Arc<Processor>,
    pub(super) state: Arc<State>,
    pub(super) destination: Destination,
    pub(super) rules: StatementRules,
    pub(super) dispatcher: Dispatcher,
    pub(super) memory: MemoryBudget,
    /// Bounds the rows that wait for their commit.
    pub(super) rows: MemoryBudget,
    pub(super) limits: RunLimits,
    pub(super) lane: Lane,
    pub(super) span: Span,
    pub(super) metrics: Metrics,
    pub(super) messages: SyncSender<Message>,
    pub(super) flights: Mutex<Vec<(WorkerId, Arc<Flight>)>>,
    pub(super) failure: Mutex<Option<RunError>>,
    /// What sessions fail of.
    pub(super) complaints: Complaints,
}

/// The number of a worker within its run.
pub(super) type WorkerId = usize;

/// What workers tell the thread that conducts the run.
pub(super) enum Message {
    /// A candidate is settled.
    Settled {
        /// How it ended.
        verdict: Verdict,
        /// How many bytes of it were read.
        bytes: u64,
        /// What its rows take until they are committed.
        rows: Held,
        /// Where the worker waits until it is committed, if it does.
        committed: Option<SyncSender<()>>,
    },
    /// An attempt begins a transaction: what is pending must be committed before.
    CommitEarlier(SyncSender<Result<(), String>>),
    /// The worker has ended.
    Left(WorkerId),
}

/// A buffer that had to grow beyond this is not kept for the next transcript, in bytes.
const KEPT_BUFFER: usize = 16 << 20;

/// Starts a worker.
pub(super) fn start(context: &Arc<RunContext>, worker: WorkerId) -> io::Result<()> {
    let context = Arc::clone(context);
    let name = format!("{}-{worker}", context.processor.name());
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
        // Nobody listens any more once the run has been given up.
        let _ = self.context.messages.send(Message::Left(self.worker));
    }
}

impl RunContext {
    fn work(&self, worker: WorkerId) {
        let mut buffer = Vec::new();
        while let Some(candidate) = self.dispatcher.next() {
            let flight = self.take_off(worker, candidate);
            let verdict = self.attempt(&flight, &mut buffer);
            self.land(&flight);
            let Some(verdict) = verdict else { return };
            if !self.report(verdict, buffer.len() as u64) {
                return;
            }
            if buffer.capacity() > KEPT_BUFFER {
                buffer = Vec::new();
            }
        }
    }

    fn attempt(&self, flight: &Flight, buffer: &mut Vec<u8>) -> Option<Verdict> {
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
        let verdict = settle(self, flight, buffer);
        let duration = started_at.elapsed();
        self.metrics.observe_attempt(self.processor.name(), duration);
        span.record("duration_ms", duration.as_millis() as u64);
        span.record("outcome", verdict.as_ref().map_or("abandoned", Verdict::outcome));
        match &verdict {
            Some(Verdict::Failed(failure)) => self.complaints.add(&failure.session, &failure.error),
            _ => tracing::debug!("the session is settled"),
        }
        verdict
    }

    fn report(&self, verdict: Verdict, bytes: u64) -> bool {
        let serial = self.processor.descriptor().concurrency() == Concurrency::Serial;
        let (committed, wait) = match serial {
            true => {
                let (committed, wait) = sync_channel(1);
                (Some(committed), Some(wait))
            }
            false => (None, None),
        };
        let message = Message::Settled {
            rows: self.rows.hold(verdict.size()),
            verdict,
            bytes,
            committed,
        };
        self.messages.send(message).is_ok() && wait.is_none_or(|wait| wait.recv().is_ok())
    }

    fn take_off(&self, worker: WorkerId, candidate: Candidate) -> Arc<Flight> {
        let flight = Flight::begin(candidate);
        self.lock_flights().push((worker, Arc::clone(&flight)));
        flight
    }

    fn land(&self, landed: &Arc<Flight>) {
        self.lock_flights().retain(|(_, flight)| !Arc::ptr_eq(flight, landed));
        landed.returns();
    }

    pub(super) fn lock_flights(&self) -> std::sync::MutexGuard<'_, Vec<(WorkerId, Arc<Flight>)>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits the processor's earlier sessions, as far as their attempts have ended.
    pub(super) fn commit_earlier(&self) -> Result<(), String> {
        let ended = || "the run has ended".to_owned();
        let (reply, answer) = sync_channel(1);
        self.messages.send(Message::CommitEarlier(reply)).map_err(|_| ended())?;
        answer.recv().map_err(|_| ended())?
    }

    /// Lets the run end with this error.
    pub(super) fn give_up(&self, error: RunError) {
        self.dispatcher.close();
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
    }

    /// Why the run is to end, if it is.
    pub(super) fn take_failure(&self) -> Option<RunError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Verdict {
    /// How many bytes of memory its rows take.
    fn size(&self) -> u64 {
        match self {
            Self::Pending(done) => done.size() as u64,
            _ => 0,
        }
    }

    fn outcome(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Unchanged(_) => "skipped",
            Self::Pending(_) | Self::Committed(_) => "processed",
            Self::Failed(failure) => failure.kind.as_str(),
            Self::Postponed => "postponed",
        }
    }
}
