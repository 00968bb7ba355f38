//! Begins and makes runs: one at a time for each processor, each recorded in the audit log.
//!
//! # Threads
//! Any thread may begin a run; a claim ensures that a processor has one run at a time. The thread that executes the run
//! conducts it.

use std::{
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use session_plugin_api::{Timestamp, abi::capped, panic_text};

use super::{
    Host, NoSuchProcessor,
    members::Territory,
    under_way::{RunListing, RunUnderWay},
};
use crate::{
    clock,
    names::ProcessorName,
    plugins::{Claim, Occupation, Processor},
    runner::{Progress, Run, RunError, RunResult, Selection, Share, StopToken},
    state::{Actor, AuditRecord, Outcome, Pause, RUN},
    threads,
};

/// Why a run did not begin.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// There is no such processor.
    #[error(transparent)]
    NoSuchProcessor(#[from] NoSuchProcessor),
    /// The processor is paused.
    #[error("processor {processor} is {pause}; `session-host resume {processor}` lets it run again")]
    Paused {
        /// The processor.
        processor: ProcessorName,
        /// Since when, by whom and why.
        pause: Pause,
    },
    /// The processor is occupied.
    #[error("processor {processor} is {occupation}")]
    Occupied {
        /// The processor.
        processor: ProcessorName,
        /// What occupies it.
        occupation: Occupation,
    },
}

/// A run that has claimed its processor but has not been made yet.
pub struct BegunRun {
    host: Arc<Host>,
    processor: Arc<Processor>,
    selection: Selection,
    under_way: RunUnderWay,
    share: Arc<Share>,
    reach: Reach,
    _claim: Claim,
}

/// Which hosts make a run, where several share the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// This one alone: the others hear of it otherwise, or need not.
    ThisHost,
    /// All of them, each over the sessions that it owns.
    AllHosts,
}

impl Host {
    /// Begins a run: no other run of the processor begins until this one has ended.
    ///
    /// # Errors
    /// When there is no such processor, or it is occupied or paused.
    pub fn begin_run(self: &Arc<Self>, name: &str, actor: Actor, selection: Selection) -> Result<BegunRun, NotBegun> {
        let known = self.processor(name)?;
        let claim = self
            .claims
            .claim(known.name(), Occupation::Run)
            .map_err(|occupation| NotBegun::Occupied {
                processor: known.name().clone(),
                occupation,
            })?;
        if let Some(pause) = self.pauses().get(known.name().as_str()) {
            return Err(NotBegun::Paused {
                processor: known.name().clone(),
                pause: pause.clone(),
            });
        }
        // Before the claim, a newer version may have taken the processor's place.
        let processor = self.processor(name)?;
        let under_way = RunUnderWay {
            actor,
            started_at: clock::now(),
            progress: Arc::default(),
        };
        self.under_way.begin(processor.name(), under_way.clone());
        Ok(BegunRun {
            host: Arc::clone(self),
            processor,
            selection,
            under_way,
            share: Arc::new(Share::alone()),
            reach: Reach::ThisHost,
            _claim: claim,
        })
    }

    /// Why the last run of each processor failed as a whole, if it did. Memory keeps this too, because a state that cannot
    /// be written does not have it.
    #[must_use]
    pub fn failed_runs(&self) -> HashMap<String, String> {
        self.lock_failed_runs().clone()
    }

    fn note_end(&self, processor: &ProcessorName, error: Option<&RunError>) {
        self.results_changed();
        let mut failed = self.lock_failed_runs();
        match error {
            Some(error) => drop(failed.insert(processor.to_string(), error.to_string())),
            None => drop(failed.remove(processor.as_str())),
        }
    }

    fn lock_failed_runs(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.failed_runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every run under way, by its processor.
    #[must_use]
    pub fn runs_under_way(&self) -> BTreeMap<String, RunListing> {
        self.under_way.list()
    }

    /// The run of a processor that is under way, if one is.
    #[must_use]
    pub fn run_under_way(&self, processor: &ProcessorName) -> Option<RunUnderWay> {
        self.under_way.of(processor)
    }
}

impl BegunRun {
    /// Lets these runs list, read and hash each transcript once. Each must be executed in a thread of its own.
    pub fn share_among(runs: &mut [&mut Self]) {
        let shares = Share::among(runs.len());
        for (run, share) in runs.iter_mut().zip(shares) {
            run.share = Arc::new(share);
        }
    }

    /// Asks the other hosts that share the state to run, too, each over the sessions that it owns.
    #[must_use]
    pub fn on_all_hosts(mut self) -> Self {
        self.reach = Reach::AllHosts;
        self
    }

    /// The processor.
    #[must_use]
    pub fn processor(&self) -> &Arc<Processor> {
        &self.processor
    }

    /// The progress of the run.
    #[must_use]
    pub fn progress(&self) -> &Arc<Progress> {
        &self.under_way.progress
    }

    /// When the run began.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.under_way.started_at
    }

    /// Makes the run and records it in the audit log, whatever its result.
    ///
    /// # Errors
    /// When the run as a whole fails, or panics.
    pub fn execute(self, stop: &StopToken) -> Result<RunResult, RunError> {
        let began = Instant::now();
        self.host.state.mend();
        self.ask_others();
        let (_in_flight, leases) = match self.host.territory(&self.processor, &self.selection) {
            Territory::Everything => (None, None),
            Territory::Owned(in_flight, leases) => (Some(in_flight), Some(leases)),
            Territory::Nothing => {
                tracing::warn!(
                    processor = %self.processor.name(),
                    "other hosts own all sessions of this processor, so they do what was asked, and this one attempts none: `session-host runs` shows their runs, `session-host cluster` who owns what; a host that died is taken over within one and a half leases"
                );
                let nothing = RunResult::of_nothing(self.processor.name());
                return self.end(began, Ok(nothing));
            }
            Territory::Unknown(why) => return self.end(began, Err(RunError::NoMember(why))),
        };
        let run = Run {
            processor: &self.processor,
            state: &self.host.state,
            selection: self.selection.clone(),
            leases,
            scanner: &self.host.scanner,
            limits: self.host.settings.limits_of(self.processor.name()),
            memory: self.host.memory.clone(),
            share: Arc::clone(&self.share),
            stop: stop.clone(),
            progress: Arc::clone(&self.under_way.progress),
            metrics: self.host.metrics.clone(),
        };
        let result = catch_unwind(AssertUnwindSafe(|| run.execute()))
            .unwrap_or_else(|payload| Err(RunError::Panicked(panic_text(&*payload).to_owned())));
        self.share.leave();
        self.end(began, result)
    }

    fn ask_others(&self) {
        let (name, actor) = (self.processor.name(), &self.under_way.actor);
        if self.reach == Reach::AllHosts
            && let Err(error) = self.host.ask_others_to_run(name, actor, &self.selection)
        {
            tracing::warn!("only this host runs, because it cannot ask the others: {error}");
        }
    }

    fn end(self, began: Instant, result: Result<RunResult, RunError>) -> Result<RunResult, RunError> {
        let record = self.record(&result, began);
        let name = self.processor.name();
        self.host
            .metrics
            .observe_run(name, &record.actor, record.outcome, record.duration);
        let audited = match self.advances_the_schedule() {
            true => self.host.state.audit_run(name, &record),
            false => self.host.state.audit(&record),
        };
        if let Err(RunError::State(error)) = &result {
            self.host.state.note(error);
        }
        if let Err(error) = &audited {
            tracing::error!(processor = %name, "cannot record the run in the audit log: {error}");
        }
        if let Err(error) = &result
            && error.is_of_the_connection()
        {
            self.host.runs_again(name);
        }
        self.take_waiting_plugins();
        let result = match (result, audited) {
            (Ok(_), Err(error)) => Err(error.into()),
            (result, _) => result,
        };
        self.host.note_end(name, result.as_ref().err());
        if let Ok(result) = &result {
            self.host.keep_summary(name, result.processed);
        }
        result
    }

    /// Makes the run in its own thread, because there may be more runs than threads for short work, and passes the result to
    /// `ended`. If the thread cannot be started, the audit log records the run as failed.
    pub fn execute_in_a_thread(
        self,
        stop: StopToken,
        ended: impl FnOnce(Result<RunResult, RunError>) + Send + 'static,
    ) {
        let name = format!("run-{}", self.processor.name());
        let shared = Arc::new(Mutex::new(Some((self, ended))));
        let of_thread = Arc::clone(&shared);
        let take = |shared: &Mutex<Option<_>>| shared.lock().unwrap_or_else(PoisonError::into_inner).take();
        let make = move || {
            if let Some((run, ended)) = take(&of_thread) {
                ended(BegunRun::execute(run, &stop));
            }
        };
        let Err(error) = threads::start(name, make) else {
            return;
        };
        if let Some((run, ended)) = take(&shared) {
            ended(BegunRun::end(run, Instant::now(), Err(RunError::Worker(error))));
        }
    }

    /// Whether the schedule counts this run: a run over failing sessions alone leaves all others waiting.
    #[must_use]
    pub fn advances_the_schedule(&self) -> bool {
        matches!(self.selection, Selection::All)
    }

    fn record(&self, result: &Result<RunResult, RunError>, began: Instant) -> AuditRecord {
        let (outcome, params) = match result {
            Ok(result) if result.is_well() => (Outcome::Success, serde_json::json!(result)),
            Ok(result) => (Outcome::SessionErrors, serde_json::json!(result)),
            Err(error) => (
                Outcome::Failed,
                serde_json::json!({"detail": capped(error.to_string())}),
            ),
        };
        let (action, resource) = AuditRecord::names_of(RUN, self.processor.name().as_str());
        AuditRecord {
            actor: self.under_way.actor.clone(),
            action,
            resource,
            started_at: self.under_way.started_at,
            duration: began.elapsed(),
            outcome,
            params,
        }
    }

    /// Loads changed plugins while the processor is still claimed, so that no further run begins on the old code.
    fn take_waiting_plugins(&self) {
        if !self.host.catalogue().has_waiting() {
            return;
        }
        if let Err(error) = self.host.reload(Some(self.processor.name())) {
            tracing::warn!("cannot load a changed plugin: {error}");
        }
    }
}

impl Drop for BegunRun {
    fn drop(&mut self) {
        self.host.under_way.end(self.processor.name());
    }
}
