//! The worker processes of one processor: started when an attempt needs one, reused, recycled, ended when idle.
//!
//! # Threads
//! Each attempt takes a worker of its own, and gives it back if it is still good. The lock is held for moments, never while a
//! worker starts.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use session_plugin_api::abi::message::{Fault, FaultKind, encode};

use super::{
    call::{Call, CallError, CallResult, Requests, Watch},
    copies::Copy,
    host_log::LogName,
    instance::returned,
    library::Built,
    opened::{NotOpened, returned_by},
    remote::{RemotePlugin, ToOpen},
};
use crate::{
    journal::Plugin,
    state::FilledTable,
    threads,
    workers::{
        Confinement, Ending, Killer, WorkerError, WorkerLimits,
        protocol::{Method, Request},
    },
};

/// What workers of a processor are started with.
#[derive(Clone)]
pub(super) struct WorkerPlan {
    pub(super) plugin: Plugin,
    pub(super) copy: Arc<Copy>,
    pub(super) built: Built,
    pub(super) log_name: LogName,
    pub(super) configuration: String,
    pub(super) limits: WorkerLimits,
    pub(super) confinement: Option<Confinement>,
    /// Why the plugin must not run in the host, if it did harm there.
    pub(super) distrust: Option<String>,
}

/// The workers of one processor.
pub(super) struct Pool {
    plan: WorkerPlan,
    /// The processor's session tables, JSON bytes.
    tables: Vec<u8>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    /// How many workers in a row did not come to their first attempt, and when the last of them failed.
    failed_starts: u32,
    last_failure: Option<(Instant, String)>,
}

struct Idle {
    worker: RemotePlugin,
    since: Instant,
}

/// How long the first failed start keeps the next one off. Each further one doubles it.
const BACKOFF: Duration = Duration::from_millis(250);

/// How long failed starts keep the next one off at most.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

impl Pool {
    /// For a processor with these session tables.
    pub(super) fn new(plan: WorkerPlan, tables: &[Arc<FilledTable>]) -> Self {
        let tables: Vec<&FilledTable> = tables.iter().map(Arc::as_ref).collect();
        Self {
            plan,
            tables: encode(&tables),
            state: Mutex::default(),
        }
    }

    /// Calls the processor in a worker process that no other attempt uses. A worker that ended before it began the attempt,
    /// because of code that an earlier one left running, is replaced.
    ///
    /// # Errors
    /// When no worker starts, the processor fails, or the worker ends.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        call: &Call<'_>,
        requests: &mut dyn Requests,
        watch: &dyn Watch,
    ) -> CallResult<T> {
        let (worker, answer) = loop {
            let mut worker = self
                .take(&|killer| watch.runs_in(Some(killer)))
                .map_err(CallError::NoInstance)?;
            let was_idle = worker.attempts > 0;
            let answer = worker.call(method, call, self.tables(), requests);
            watch.runs_in(None);
            match answer {
                Err(WorkerError::EndedBefore(ending)) if was_idle => {
                    self.tell_of_idle_end(&ending);
                    if call.cancel.is_cancelled() {
                        return Err(CallError::Failed(never_begun(&ending)));
                    }
                }
                answer => break (worker, answer),
            }
        };
        let result = match answer {
            Ok(answer) => returned(&answer),
            Err(WorkerError::Ended(ending) | WorkerError::EndedBefore(ending)) => {
                return Err(CallError::Ended(ending.of_attempt(self.cpu_limit())));
            }
            Err(error) => return Err(CallError::Failed(Fault::error(error.to_string()))),
        };
        match &result {
            // An instance that panicked may be inconsistent.
            Err(fault) if fault.kind == FaultKind::Panic => worker.let_go(),
            _ => self.give_back(worker),
        }
        result.map_err(CallError::Failed)
    }

    /// The processor's session tables, JSON bytes.
    pub(super) fn tables(&self) -> &[u8] {
        &self.tables
    }

    /// How long each step of loading may take.
    pub(super) fn load_timeout(&self) -> Duration {
        self.plan.limits.load_timeout
    }

    /// How much processor time an attempt may take.
    pub(super) fn cpu_limit(&self) -> Option<Duration> {
        self.plan.limits.cpu
    }

    /// What its workers may reach; `None` for everything that the host may.
    pub(super) fn confinement(&self) -> Option<&Confinement> {
        self.plan.confinement.as_ref()
    }

    /// A worker for one attempt; `started` gets what kills it.
    ///
    /// # Errors
    /// When none can be started, or one could not a moment ago.
    pub(super) fn take(&self, started: &dyn Fn(Killer)) -> Result<RemotePlugin, Fault> {
        if let Some(worker) = self.take_idle() {
            worker.killer().into_iter().for_each(started);
            return Ok(worker);
        }
        self.refuse_in_backoff()?;
        self.start(started)
    }

    /// Why the last worker could not be started; `None` once one could.
    pub(super) fn failure(&self) -> Option<String> {
        self.lock().last_failure.as_ref().map(|(_, reason)| reason.clone())
    }

    /// Starts a worker if the last one could not be started, whatever the backoff.
    pub(super) fn try_again(&self) {
        if self.failure().is_none() {
            return;
        }
        // One that fails again is noted.
        if let Ok(worker) = self.start(&|_| ()) {
            self.give_back(worker);
        }
    }

    fn start(&self, started: &dyn Fn(Killer)) -> Result<RemotePlugin, Fault> {
        let fresh = self.plan.start(started);
        let mut state = self.lock();
        match fresh {
            Ok(worker) => {
                (state.failed_starts, state.last_failure) = (0, None);
                Ok(worker)
            }
            Err(fault) => {
                state.failed_starts = state.failed_starts.saturating_add(1);
                state.last_failure = Some((Instant::now(), fault.message.clone()));
                Err(fault)
            }
        }
    }

    /// An idle worker. Code that an earlier attempt left running may have ended others.
    fn take_idle(&self) -> Option<RemotePlugin> {
        loop {
            let worker = self.lock().idle.pop()?.worker;
            match worker.ended() {
                None => return Some(worker),
                Some(ending) => self.tell_of_idle_end(&ending),
            }
        }
    }

    fn tell_of_idle_end(&self, ending: &Ending) {
        let plugin = self.plan.log_name.as_str();
        tracing::warn!(
            processor = plugin,
            "between two attempts, {ending}; no session failed by it, but the plugin left code running after an attempt"
        );
    }

    fn refuse_in_backoff(&self) -> Result<(), Fault> {
        let state = self.lock();
        let Some((at, reason)) = &state.last_failure else {
            return Ok(());
        };
        let wait = BACKOFF.saturating_mul(1 << state.failed_starts.min(16).saturating_sub(1));
        match at.elapsed() < wait.min(MAX_BACKOFF) {
            true => Err(Fault::error(format!(
                "its worker process could not be started a moment ago: {reason}"
            ))),
            false => Ok(()),
        }
    }

    /// Takes back a worker whose attempt has ended well; ends one that has made its share of attempts.
    pub(super) fn give_back(&self, worker: RemotePlugin) {
        if worker.attempts >= self.plan.limits.max_sessions {
            let_go_aside(vec![worker]);
            return;
        }
        self.lock().idle.push(Idle {
            worker,
            since: Instant::now(),
        });
    }

    /// The process numbers of the workers that wait for an attempt.
    pub(super) fn idle_workers(&self) -> Vec<u32> {
        let state = self.lock();
        let killers = state.idle.iter().filter_map(|idle| idle.worker.killer());
        killers.map(|killer| killer.process()).collect()
    }

    /// Ends the workers that have waited too long for an attempt.
    pub(super) fn end_idle(&self) {
        let mut state = self.lock();
        let limit = self.plan.limits.idle;
        let (over, kept) = std::mem::take(&mut state.idle)
            .into_iter()
            .partition(|idle| idle.since.elapsed() >= limit);
        state.idle = kept;
        drop(state);
        let over: Vec<Idle> = over;
        if !over.is_empty() {
            let_go_aside(over.into_iter().map(|idle| idle.worker).collect());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session waits for another run: there is no time left to call the processor again.
fn never_begun(ending: &Ending) -> Fault {
    Fault {
        kind: FaultKind::NotNow,
        ..Fault::error(format!("{ending}, before it began the attempt"))
    }
}

/// Lets workers go on another thread, because the `Drop` of a plugin may take its time.
fn let_go_aside(workers: Vec<RemotePlugin>) {
    let let_go = move || workers.into_iter().for_each(RemotePlugin::let_go);
    // Without a thread the closure is dropped, and with it the workers, which kills them.
    if let Err(error) = threads::start("worker-end", let_go) {
        tracing::warn!("cannot start a thread to end worker processes, so the host kills them: {error}");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut self.lock().idle);
        idle.into_iter().for_each(|idle| idle.worker.let_go());
    }
}

impl WorkerPlan {
    /// Starts a worker that has the library open, and the processor neither constructed nor configured.
    pub(super) fn open(&self, started: &dyn Fn(Killer)) -> Result<RemotePlugin, NotOpened> {
        let opening = ToOpen {
            copy: &self.copy,
            built: &self.built,
            log_name: &self.log_name,
            limits: &self.limits,
            confinement: self.confinement.clone(),
        };
        let (worker, report) = RemotePlugin::open(&opening, started).map_err(NotOpened::Worker)?;
        NotOpened::of_report(&report)?;
        Ok(worker)
    }

    fn start(&self, started: &dyn Fn(Killer)) -> Result<RemotePlugin, Fault> {
        let mut worker = self.open(started).map_err(|error| Fault::error(error.to_string()))?;
        let timeout = self.limits.load_timeout;
        let steps = [
            ("its constructor", Request::Construct),
            ("its configuration", Request::Configure(&self.configuration)),
        ];
        for (step, request) in steps {
            let returned = returned_by::<()>(worker.answer(&request, timeout));
            returned.map_err(|fault| Fault {
                message: format!("{step} fails in a worker process: {}", fault.message),
                ..fault
            })?;
        }
        Ok(worker)
    }
}
