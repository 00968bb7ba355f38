//! Prepares a run: scans, chooses the candidates, and hands them to the conductor.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    time::Instant,
};

use tracing::{Span, field};

use super::{
    buffers::Buffers,
    candidates::{self, Candidate, ChosenBy, Clocks, LeftOut},
    conductor::Conductor,
    context::RunContext,
    dispatch::Dispatcher,
    error::RunError,
    executor::Executor,
    flights::Flights,
    lane::Lane,
    limits::RunLimits,
    memory::MemoryBudget,
    message::Message,
    progress::Progress,
    result::{Moved, RunResult},
    retry_policy::Retries,
    run_log::RunLog,
    selection::Selection,
    share::Share,
    shared_transaction::SharedTransaction,
    stop::StopToken,
    tables::Tables,
    tally::Tally,
};
use crate::{
    clock,
    metrics::Metrics,
    names::SessionKey,
    plugins::Processor,
    sessions::{Scan, ScanError, Scanner, Transcript},
    state::{Before, Destination, Encounters, FailingSession, FailureChange, Guard, Leases, State, StateError},
};

/// A run to be executed. The caller makes sure that a processor has only one at a time.
pub struct Run<'a> {
    /// The processor.
    pub processor: &'a Arc<Processor>,
    /// The state.
    pub state: &'a Arc<State>,
    /// The sessions that it attempts.
    pub selection: Selection,
    /// The leases of this host, where several share the state: the run attempts no session of others.
    pub leases: Option<Leases>,
    /// The sessions directory.
    pub scanner: &'a Scanner,
    /// Its limits.
    pub limits: RunLimits,
    /// The limit on the snapshots held at once.
    pub memory: MemoryBudget,
    /// What it shares with the runs that begin with it.
    pub share: Arc<Share>,
    /// Tells it to stop.
    pub stop: StopToken,
    /// Receives its counters.
    pub progress: Arc<Progress>,
    /// The metrics of all runs.
    pub metrics: Metrics,
}

/// How many outcomes may wait to be counted or put into a group.
const WAITING_OUTCOMES: usize = 1024;

/// How many bytes of rows may wait for their commit. Beyond that, attempts wait for commits, so that rows do not pile
/// up.
const PENDING_ROWS: u64 = 32 << 20;

/// How many runs this process has begun.
static RUNS_BEGUN: AtomicU64 = AtomicU64::new(0);

/// What a run looks at, and what it leaves.
struct Chosen {
    candidates: Vec<Candidate>,
    left_out: LeftOut,
    /// What the state holds of the candidates.
    before: Before,
    /// How many files and folders cannot be read.
    unreadable: u64,
}

impl Run<'_> {
    /// Executes the run to its end.
    ///
    /// # Errors
    /// When the whole run fails. What was committed before stays.
    pub fn execute(self) -> Result<RunResult, RunError> {
        let name = self.processor.name();
        if let Some(session) = self.processor.wedged_by() {
            let processor = name.to_string();
            return Err(RunError::Wedged { processor, session });
        }
        // At level `error`, so that every log line names its run.
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
                log_end(&result);
                Ok(result)
            }
            Err(error) => {
                span.record("outcome", "failed");
                tracing::error!("the run failed: {error}");
                Err(error)
            }
        }
    }

    fn conduct(&self, span: &Span, started_at: Instant) -> Result<RunResult, RunError> {
        // Another host may have a newer plugin, whose rows do not fit this one's.
        self.state
            .check_tables(self.processor.name(), self.processor.tables_version())?;
        let Chosen {
            candidates,
            left_out,
            before,
            unreadable,
        } = self.choose()?;
        let begun = RunResult {
            processor: self.processor.name().to_string(),
            scanned: candidates.len() as u64,
            waiting: left_out.waiting,
            quarantined: left_out.quarantined,
            unreadable,
            ..RunResult::default()
        };
        let moving = candidates.iter().filter_map(|candidate| {
            let from = candidate.earlier_user()?;
            Some((candidate.transcript.session.clone(), from.to_owned()))
        });
        let tally = Tally::begin(
            self.processor.name(),
            begun,
            moving.collect(),
            &self.progress,
            &self.metrics,
        );
        let ends_at = started_at.checked_add(self.limits.time_budget);
        let dispatcher = Dispatcher::new(candidates, self.limits.max_sessions, ends_at, self.stop.clone());
        let (messages, inbox) = sync_channel(WAITING_OUTCOMES);
        let context = Arc::new(self.context(span, before, dispatcher, messages)?);
        let ended = Conductor::new(Arc::clone(&context), &self.stop, tally).conduct(&inbox);
        context.log.sum_up();
        if self.leases.is_some() {
            let encounters = &context.tables.destination.encounters;
            self.metrics.observe_encounters(self.processor.name(), encounters);
        }
        ended
    }

    /// What a write outside of a commit checks, where several hosts share the state.
    fn guard(&self) -> Option<&dyn Guard> {
        self.leases.as_ref().map(|leases| leases as &dyn Guard)
    }

    /// Scans, and chooses the candidates.
    fn choose(&self) -> Result<Chosen, RunError> {
        let name = self.processor.name();
        let chosen_by = ChosenBy {
            output_version: self.processor.descriptor().version_of_output(),
            clocks: match self.leases {
                None => Clocks::One,
                Some(_) => Clocks::Several,
            },
        };
        let Scan {
            transcripts,
            unreadable,
        } = self.share.scan(|| self.scan())?;
        let transcripts = self.covered(transcripts);
        let states = self.state.sessions(name)?;
        let mut failing = self.state.failing(name)?;
        let past = candidates::past_failures(&transcripts, &states, &failing, chosen_by);
        self.state
            .change_failures(FailureChange::Clear, self.guard(), name, &past)?;
        for session in &past {
            failing.remove(session);
        }
        let mut candidates = candidates::choose(transcripts, &states, &failing, chosen_by);
        candidates.retain(|candidate| self.selection.has(&candidate.transcript.session, &failing));
        let left_out = self.leave_out(&mut candidates, &failing)?;
        self.share
            .wants(candidates.iter().map(|candidate| &candidate.transcript.session));
        Ok(Chosen {
            before: candidates::before(&candidates, &states, &failing),
            candidates,
            left_out,
            unreadable: unreadable.len() as u64,
        })
    }

    /// The transcripts of the sessions that are this host's to process.
    fn covered(&self, mut transcripts: Vec<Transcript>) -> Vec<Transcript> {
        if let Some(leases) = &self.leases {
            transcripts.retain(|transcript| leases.cover(&transcript.session));
        }
        transcripts
    }

    fn scan(&self) -> Result<Scan, ScanError> {
        let began = Instant::now();
        let scan = self.scanner.scan()?;
        self.metrics.observe_scan(began.elapsed());
        Ok(scan)
    }

    /// Leaves the failing sessions out whose turn it is not. A retry leaves none out, and what it does not get to is due at
    /// the next run.
    fn leave_out(
        &self,
        candidates: &mut Vec<Candidate>,
        failing: &HashMap<SessionKey, FailingSession>,
    ) -> Result<LeftOut, StateError> {
        if self.selection != Selection::All {
            let retried: Vec<SessionKey> = candidates
                .iter()
                .map(|retried| retried.transcript.session.clone())
                .collect();
            let (guard, name) = (self.guard(), self.processor.name());
            self.state
                .change_failures(FailureChange::CountAnew, guard, name, &retried)?;
            return Ok(LeftOut::default());
        }
        let retries = Retries {
            failing,
            policy: &self.limits.retry,
            plugin: Some(self.processor.version()),
            now: clock::now(),
        };
        Ok(candidates::leave_out(candidates, &retries))
    }

    fn context(
        &self,
        span: &Span,
        before: Before,
        dispatcher: Dispatcher,
        messages: SyncSender<Message>,
    ) -> Result<RunContext, StateError> {
        let name = self.processor.name();
        Ok(RunContext {
            number: RUNS_BEGUN.fetch_add(1, Ordering::Relaxed),
            executor: Executor::new(self.processor),
            tables: Tables {
                state: Arc::clone(self.state),
                destination: Destination {
                    processor: name.clone(),
                    plugin: self.processor.version().clone(),
                    tables: self.processor.tables().to_vec(),
                    before,
                    encounters: Encounters::default(),
                    guard: self.leases.map(|leases| Arc::new(leases) as Arc<dyn Guard>),
                },
                rules: self.state.statement_rules(name)?,
                concurrency: self.processor.descriptor().concurrency(),
                shared: SharedTransaction::default(),
            },
            dispatcher,
            memory: self.memory.clone(),
            buffers: Buffers::for_code_in(self.processor.runs_in(), &self.share),
            share: Arc::clone(&self.share),
            rows: MemoryBudget::new(PENDING_ROWS),
            limits: self.limits.clone(),
            lane: Lane::new(self.limits.workers),
            span: span.clone(),
            metrics: self.metrics.clone(),
            messages,
            flights: Flights::default(),
            failure: Mutex::default(),
            log: RunLog::default(),
        })
    }
}

fn log_end(result: &RunResult) {
    for Moved { from, to, sessions } in &result.moved {
        tracing::info!(
            sessions,
            "moved sessions from `{from}` to `{to}`, because the configuration now gives that user"
        );
    }
    tracing::info!(
        scanned = result.scanned,
        processed = result.processed,
        skipped = result.skipped,
        capped = result.capped,
        errors = result.errors,
        waiting = result.waiting,
        quarantined = result.quarantined,
        unreadable = result.unreadable,
        unrecognised = result.unrecognised,
        unreadable_lines = result.unreadable_lines,
        "the run has ended"
    );
}
