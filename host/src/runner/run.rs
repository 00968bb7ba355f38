//! Conducts a run: scans, chooses, starts the workers, commits what they settle, watches the clock.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    time::{Duration, Instant},
};

use session_plugin_api::{Concurrency, Timestamp};
use tracing::field;

use super::{
    attempt::{Verdict, failure},
    candidates,
    complaints::Complaints,
    dispatch::Dispatcher,
    flight::Flight,
    group::{Group, acknowledge},
    lane::Lane,
    memory::MemoryBudget,
    progress::Progress,
    result::RunResult,
    stop::StopToken,
    worker::{self, Message, RunContext, WorkerId},
};
use crate::{
    metrics::{Metrics, Settled},
    names::SessionKey,
    plugins::Processor,
    sessions::{Scan, ScanError, Scanner},
    state::{Destination, FailureKind, State, StateError},
};

/// How far a run may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// How many attempts it may make; `None` for as many as it takes.
    pub max_sessions: Option<u64>,
    /// How long it may begin attempts.
    pub time_budget: Duration,
    /// How many attempts it may make at once.
    pub workers: usize,
    /// How long one attempt may take before it is abandoned.
    pub attempt_timeout: Duration,
    /// How long attempts may go on after the wish to end.
    pub shutdown_grace: Duration,
    /// How large a transcript may be, in bytes.
    pub max_session_bytes: u64,
}

/// Which sessions a run looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that are new or may have changed.
    All,
    /// Those of them whose last attempt failed.
    Failing,
    /// This one, if its last attempt failed.
    OneFailing(SessionKey),
}

impl Selection {
    fn has(&self, session: &SessionKey, last_failed: &HashMap<SessionKey, Timestamp>) -> bool {
        match self {
            Self::All => true,
            Self::Failing => last_failed.contains_key(session),
            Self::OneFailing(wanted) => session == wanted && last_failed.contains_key(session),
        }
    }
}

/// A run to be made; that there is one at a time is the caller's matter.
pub struct Run<'a> {
    /// The processor.
    pub processor: &'a Arc<Processor>,
    /// The state.
    pub state: &'a Arc<State>,
    /// Which sessions it looks at.
    pub selection: Selection,
    /// The sessions directory.
    pub scanner: &'a Scanner,
    /// How far it may go.
    pub limits: RunLimits,
    /// The bound on snapshots held at once.
    pub memory: MemoryBudget,
    /// The wish to end.
    pub stop: StopToken,
    /// Where its counters go.
    pub progress: Arc<Progress>,
    /// Where those of all runs go.
    pub metrics: Metrics,
}

/// Why a run as a whole failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The host itself panicked.
    #[error("the run panicked, which is a fault of the host: {0}")]
    Panicked(String),
    /// An earlier attempt does not return.
    #[error(
        "processor {processor} is out of service until its attempt at {session} returns: restart the service if it never does"
    )]
    Wedged {
        /// The processor.
        processor: String,
        /// The session; where there are several such attempts, all of theirs.
        session: String,
    },
    /// The sessions directory cannot be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// No thread could be started.
    #[error("start a worker: {0}")]
    Worker(std::io::Error),
    /// After a panic no fresh instance could be made.
    #[error("the processor panicked, and no fresh instance of it can be made: {0}")]
    NotRenewed(String),
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        Self::Worker(error)
    }
}

/// How many runs this process has begun.
static RUNS_BEGUN: AtomicU64 = AtomicU64::new(0);

impl Run<'_> {
    /// Makes the run, to its end.
    ///
    /// # Errors
    /// When the run as a whole fails. What was committed before stays.
    pub fn execute(self) -> Result<RunResult, RunError> {
        let name = self.processor.name();
        if let Some(session) = self.processor.wedged_by() {
            let processor = name.to_string();
            return Err(RunError::Wedged { processor, session });
        }
        // At the level of errors, so that every line tells whose run it belongs to.
        let span = tracing::error_span!("run", processor = %name, outcome = field::Empty, duration_ms = field::Empty);
        let _entered = span.enter();
        let started_at = Instant::now();
        let result = self.conduct(&span, started_at);
        let duration_ms = started_at.elapsed().as_millis() as u64;
        span.record("duration_ms", duration_ms);
        match result {
            Ok(mut result) => {
                result.duration_ms = duration_ms;
                span.record("outcome", if result.is_well() { "ok" } else { "errors" });
                let RunResult {
                    scanned,
                    processed,
                    skipped,
                    capped,
                    errors,
                    unreadable,
                    unrecognised,
                    unreadable_lines,
                    ..
                } = result;
                tracing::info!(
                    scanned,
                    processed,
                    skipped,
                    capped,
                    errors,
                    unreadable,
                    unrecognised,
                    unreadable_lines,
                    "the run has ended"
                );
                Ok(result)
            }
            Err(error) => {
                span.record("outcome", "failed");
                tracing::error!("the run failed: {error}");
                Err(error)
            }
        }
    }

    fn conduct(&self, span: &tracing::Span, started_at: Instant) -> Result<RunResult, RunError> {
        let name = self.processor.name();
        let output_version = self.processor.descriptor().version_of_output();
        let scan_began = Instant::now();
        let Scan {
            transcripts,
            unreadable,
        } = self.scanner.scan()?;
        self.metrics.observe_scan(scan_began.elapsed());
        let states = self.state.sessions(name)?;
        let mut last_failed = self.state.last_failed(name)?;
        let settled = candidates::settled_failures(&transcripts, &states, &last_failed, output_version);
        self.state.clear_failures(name, &settled)?;
        for session in &settled {
            last_failed.remove(session);
        }
        let mut candidates = candidates::choose(transcripts, &states, &last_failed, output_version);
        candidates.retain(|candidate| self.selection.has(&candidate.transcript.session, &last_failed));
        drop((states, last_failed));
        let scanned = candidates.len() as u64;
        self.progress.begin(scanned);

        let ends_at = started_at.checked_add(self.limits.time_budget);
        let (messages, inbox) = sync_channel(SETTLED_AHEAD);
        let context = Arc::new(RunContext {
            number: RUNS_BEGUN.fetch_add(1, Ordering::Relaxed),
            processor: Arc::clone(self.processor),
            state: Arc::clone(self.state),
            destination: Destination {
                processor: name.clone(),
                output_version,
                tables: self.processor.tables().to_vec(),
            },
            rules: self.state.statement_rules(name)?,
            dispatcher: Dispatcher::new(candidates, self.limits.max_sessions, ends_at, self.stop.clone()),
            memory: self.memory.clone(),
            rows: MemoryBudget::new(PENDING_ROWS),
            limits: self.limits.clone(),
            lane: Lane::default(),
            span: span.clone(),
            metrics: self.metrics.clone(),
            messages,
            flights: Mutex::default(),
            failure: Mutex::default(),
            complaints: Complaints::default(),
        });
        let mut conductor = Conductor {
            context: Arc::clone(&context),
            stop: &self.stop,
            progress: &self.progress,
            group: Group::default(),
            result: RunResult {
                processor: name.to_string(),
                scanned,
                unreadable: unreadable.len() as u64,
                ..RunResult::default()
            },
            workers: HashSet::new(),
            abandoned: Vec::new(),
            failure: None,
        };
        conductor.start_workers()?;
        conductor.listen(&inbox);
        let ended = conductor.end();
        context.complaints.sum_up();
        ended
    }
}

struct Conductor<'a> {
    context: Arc<RunContext>,
    stop: &'a StopToken,
    progress: &'a Progress,
    group: Group,
    result: RunResult,
    workers: HashSet<WorkerId>,
    abandoned: Vec<Arc<Flight>>,
    failure: Option<StateError>,
}

/// How many settled sessions may wait to be put into a group.
const SETTLED_AHEAD: usize = 1024;

/// How many bytes of rows may wait for their commit: attempts wait for commits instead of heaping rows up.
const PENDING_ROWS: u64 = 32 << 20;

/// How often the clock is looked at while nothing happens.
const WATCH: Duration = Duration::from_millis(100);

impl Conductor<'_> {
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
            Message::Settled {
                verdict,
                bytes,
                rows,
                committed,
            } => {
                self.progress.settle(bytes);
                self.result.bytes_read += bytes;
                self.context
                    .metrics
                    .observe_yield(&self.context.destination.processor, 0, bytes);
                self.count(verdict);
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

    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Gone => {
                self.result.skipped += 1;
                let processor = &self.context.destination.processor;
                self.context.metrics.observe_sessions(processor, Settled::Skipped, 1);
            }
            Verdict::Unchanged(seen) => self.group.add_unchanged(seen),
            Verdict::Pending(done) => self.group.add_done(done),
            Verdict::Committed(done) => acknowledge(&done, &self.context, &mut self.result),
            Verdict::Failed(failure) => self.group.add_failure(failure),
            Verdict::Postponed => self.result.capped += 1,
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
