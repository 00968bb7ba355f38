//! A loaded processor, and the calls of it.
//!
//! In this process, one instance makes all attempts. It may be inconsistent after a panic or a hang. The host then sets it
//! aside, and the next attempt constructs a fresh one. In process isolation, each attempt has a worker process to itself.
//!
//! # Threads
//! All workers of a run share the instance. The lock is held while a fresh instance is constructed, so that only one is made,
//! and never during an attempt. An attempt in flight keeps the instance that it began with.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::de::DeserializeOwned;
use session_plugin_api::{
    Descriptor,
    abi::message::{Description, FaultKind, Hooks, Processed},
};

pub use session_plugin_api::abi::message::Fault;

use super::{
    call::{Call, CallError, CallResult, Requests, Watch},
    hook::Hook,
    instance::{Instance, InstanceSource, returned},
    pool::Pool,
    reports::Reports,
    time_limit::within,
    wedges::{Wedge, Wedges},
};
use crate::{
    abi_checks,
    journal::{self, AttemptOf, Work},
    names::ProcessorName,
    state::{FilledTable, PluginVersion},
    workers::{Network, WorkerError, protocol::Method},
};

/// A processor that is loaded, configured, and whose tables are ready.
pub struct Processor {
    name: ProcessorName,
    descriptor: Descriptor,
    hooks: Hooks,
    package_version: String,
    version: PluginVersion,
    file: PathBuf,
    tables: Vec<Arc<FilledTable>>,
    code: Code,
    reports: Reports,
    distrust: Option<String>,
    wedges: Wedges,
}

/// Where the code of a processor runs.
pub(super) enum Code {
    /// In this process.
    Here(Box<Serving>),
    /// In worker processes.
    InWorkers(Box<Pool>),
}

/// The instance in this process.
pub(super) struct Serving {
    source: InstanceSource,
    instance: Mutex<Option<Arc<Instance>>>,
    /// Why the last fresh instance could not be made.
    not_renewed: Mutex<Option<String>>,
    /// Where suspects are attempted, and everything once one of them has ended a worker.
    aside: Pool,
    /// Whether code of it has ended a worker process.
    has_crashed: AtomicBool,
}

/// Where the code of a processor runs, and what confines it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsIn {
    /// In the host.
    Host,
    /// In worker processes.
    Workers,
    /// In confined worker processes.
    ConfinedWorkers(Network),
}

impl fmt::Display for RunsIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Host => "in-process",
            Self::Workers => "process",
            Self::ConfinedWorkers(Network::Denied) => "process, confined",
            Self::ConfinedWorkers(Network::Allowed) => "process, confined, network",
        })
    }
}

impl Processor {
    pub(super) fn new(
        name: ProcessorName,
        description: Description,
        file: &Path,
        digest: String,
        tables: Vec<Arc<FilledTable>>,
        code: Code,
    ) -> Self {
        Self {
            name,
            version: PluginVersion {
                output: description.descriptor.version_of_output(),
                digest,
            },
            descriptor: description.descriptor,
            hooks: description.hooks,
            package_version: description.package_version,
            file: file.to_owned(),
            tables,
            code,
            reports: Reports::default(),
            distrust: None,
            wedges: Wedges::default(),
        }
    }

    /// The same processor with these reports.
    pub(super) fn with_reports(self, reports: Reports) -> Self {
        Self { reports, ..self }
    }

    /// The same processor, which runs in worker processes for this reason.
    pub(super) fn distrusted(self, distrust: Option<String>) -> Self {
        Self { distrust, ..self }
    }

    /// Why it runs in worker processes although nobody configured that; `None` if it did no harm.
    #[must_use]
    pub fn distrust(&self) -> Option<&str> {
        self.distrust.as_deref()
    }

    /// The processor's name.
    #[must_use]
    pub fn name(&self) -> &ProcessorName {
        &self.name
    }

    /// What the processor declares about itself.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The version of the plugin's package.
    #[must_use]
    pub fn package_version(&self) -> &str {
        &self.package_version
    }

    /// Which version of the plugin it is.
    #[must_use]
    pub fn version(&self) -> &PluginVersion {
        &self.version
    }

    /// The file that it was loaded from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Its session tables.
    #[must_use]
    pub fn tables(&self) -> &[Arc<FilledTable>] {
        &self.tables
    }

    /// Takes the processor out of service while the wedge exists, because a call into it does not return.
    #[must_use]
    pub fn wedge(&self, session: &str) -> Wedge {
        if let Code::Here(serving) = &self.code {
            serving.isolate("an attempt did not return within attempt_timeout_seconds");
        }
        self.wedges.add(session)
    }

    /// The sessions whose attempts were abandoned and have not returned, in one line; `None` if there are none.
    #[must_use]
    pub fn wedged_by(&self) -> Option<String> {
        self.wedges.sessions()
    }

    /// Why no attempt can be made: no fresh instance or worker process could be started. `None` once one could.
    #[must_use]
    pub fn unavailable(&self) -> Option<String> {
        match &self.code {
            Code::Here(serving) => serving.not_renewed().clone().or_else(|| serving.aside.failure()),
            Code::InWorkers(pool) => pool.failure(),
        }
    }

    /// Tries again what could not be started.
    pub(super) fn try_again(&self) {
        match &self.code {
            Code::Here(serving) => {
                let is_due = serving.not_renewed().is_some();
                // An instance that fails again is noted.
                let _ = is_due.then(|| serving.instance());
                serving.aside.try_again();
            }
            Code::InWorkers(pool) => pool.try_again(),
        }
    }

    /// Its reports.
    #[must_use]
    pub fn reports(&self) -> &Reports {
        &self.reports
    }

    /// Where its code runs.
    #[must_use]
    pub fn runs_in(&self) -> RunsIn {
        match &self.code {
            Code::Here(_) => RunsIn::Host,
            Code::InWorkers(pool) => match pool.confinement() {
                None => RunsIn::Workers,
                Some(confinement) => RunsIn::ConfinedWorkers(confinement.network),
            },
        }
    }

    /// The hooks that it has.
    #[must_use]
    pub fn hooks(&self) -> Hooks {
        self.hooks
    }

    /// Processes one session. What the processor asks of the host goes to `requests`.
    ///
    /// # Errors
    /// When there is nothing to call, the processor fails, or its worker process ends.
    pub fn call(&self, call: &Call<'_>, requests: &mut dyn Requests, watch: &dyn Watch) -> CallResult<Processed> {
        let processed = self.make(Method::ProcessSession, call, requests, watch)?;
        abi_checks::processed(processed).map_err(CallError::Malformed)
    }

    /// Calls a hook for one session.
    ///
    /// # Errors
    /// When there is nothing to call, the processor fails, or its worker process ends.
    pub fn call_hook(
        &self,
        hook: Hook,
        call: &Call<'_>,
        requests: &mut dyn Requests,
        watch: &dyn Watch,
    ) -> CallResult<()> {
        self.make(hook.into(), call, requests, watch)
    }

    fn make<T: DeserializeOwned>(
        &self,
        method: Method,
        call: &Call<'_>,
        requests: &mut dyn Requests,
        watch: &dyn Watch,
    ) -> CallResult<T> {
        match &self.code {
            Code::Here(serving) => serving.call(&self.name, method, call, requests, watch),
            Code::InWorkers(pool) => pool.call(method, call, requests, watch),
        }
    }

    /// The process numbers of the worker processes that wait for an attempt.
    #[must_use]
    pub fn idle_workers(&self) -> Vec<u32> {
        match &self.code {
            Code::Here(serving) => serving.aside.idle_workers(),
            Code::InWorkers(pool) => pool.idle_workers(),
        }
    }

    /// Ends the worker processes that have waited too long for an attempt.
    pub fn end_idle_workers(&self) {
        match &self.code {
            Code::Here(serving) => serving.aside.end_idle(),
            Code::InWorkers(pool) => pool.end_idle(),
        }
    }
}

impl Serving {
    /// With workers for what must not run in this process.
    pub(super) fn new(source: InstanceSource, instance: Instance, aside: Pool) -> Self {
        Self {
            source,
            instance: Mutex::new(Some(Arc::new(instance))),
            not_renewed: Mutex::default(),
            aside,
            has_crashed: AtomicBool::new(false),
        }
    }

    fn call<T: DeserializeOwned>(
        &self,
        processor: &ProcessorName,
        method: Method,
        call: &Call<'_>,
        requests: &mut dyn Requests,
        watch: &dyn Watch,
    ) -> CallResult<T> {
        let is_suspect = journal::suspects().has(processor, call.session);
        if is_suspect || self.has_crashed.load(Ordering::Relaxed) {
            let result = self.call_aside(processor, method, call, requests, watch);
            // If the host is killed during the attempt, the next one has the suspect too.
            if is_suspect && !matches!(result, Err(CallError::NoInstance(_))) {
                journal::suspects().clear(processor, call.session);
            }
            return result;
        }
        let instance = self.instance().map_err(CallError::NoInstance)?;
        let entered = journal::enter(
            &self.source.plugin,
            Work::Attempt(AttemptOf {
                processor,
                session: call.session,
                username: call.username,
                hash: call.hash,
            }),
        );
        let result = instance.call(method, call, requests);
        drop(entered);
        let panicked = result.as_ref().is_err_and(|fault| fault.kind == FaultKind::Panic);
        if panicked || watch.is_abandoned() {
            self.set_aside(&instance);
        }
        result.map_err(CallError::Failed)
    }

    /// Calls the processor in a worker process. If that ends, no code of the plugin runs in this process any more.
    fn call_aside<T: DeserializeOwned>(
        &self,
        processor: &ProcessorName,
        method: Method,
        call: &Call<'_>,
        requests: &mut dyn Requests,
        watch: &dyn Watch,
    ) -> CallResult<T> {
        tracing::info!(%processor, session = %call.session, "the session is attempted in a worker process, because an earlier host ended during the attempt");
        let result = self.aside.call(method, call, requests, watch);
        if let Err(CallError::Ended(ending)) = &result {
            self.has_crashed.store(true, Ordering::Relaxed);
            self.isolate(&format!(
                "an attempt that was in flight when a host ended failed in a worker process: {ending}"
            ));
        }
        result
    }

    /// Lets the plugin run in worker processes from the next start on.
    fn isolate(&self, reason: &str) {
        journal::isolate(&self.source.plugin, reason);
    }

    /// The instance that serves now; a fresh one if the last was set aside.
    fn instance(&self) -> Result<Arc<Instance>, Fault> {
        let mut serving = self.instance.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(instance) = &*serving {
            return Ok(Arc::clone(instance));
        }
        let source = self.source.clone();
        let timeout = self.aside.load_timeout();
        let fresh = within(timeout, &self.source.plugin, move || {
            let mut fresh = source.construct()?;
            fresh.configure(&source.configuration)?;
            Ok(fresh)
        });
        let fresh = fresh.unwrap_or_else(|late| Err(Fault::error(late.to_string())));
        *self.not_renewed() = fresh.as_ref().err().map(describe_fault);
        Ok(Arc::clone(serving.insert(Arc::new(fresh?))))
    }

    fn not_renewed(&self) -> MutexGuard<'_, Option<String>> {
        self.not_renewed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an instance out of service that panicked or hung, and may be inconsistent. An attempt in flight may end with it.
    fn set_aside(&self, suspect: &Arc<Instance>) {
        let mut serving = self.instance.lock().unwrap_or_else(PoisonError::into_inner);
        if serving.as_ref().is_some_and(|instance| Arc::ptr_eq(instance, suspect)) {
            *serving = None;
        }
    }
}

impl Pool {
    fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        call: &Call<'_>,
        requests: &mut dyn Requests,
        watch: &dyn Watch,
    ) -> CallResult<T> {
        let mut worker = self
            .take(&|killer| watch.runs_in(Some(killer)))
            .map_err(CallError::NoInstance)?;
        let answer = worker.call(method, call, self.tables(), requests);
        watch.runs_in(None);
        let result = match answer {
            Ok(answer) => returned(&answer),
            Err(WorkerError::Ended(ending)) => return Err(CallError::Ended(ending.of_attempt(self.cpu_limit()))),
            Err(error) => return Err(CallError::Failed(Fault::error(error.to_string()))),
        };
        match &result {
            // An instance that panicked may be inconsistent.
            Err(fault) if fault.kind == FaultKind::Panic => worker.let_go(),
            _ => self.give_back(worker),
        }
        result.map_err(CallError::Failed)
    }
}

/// A fault in one line, with the place of a panic.
#[must_use]
pub fn describe_fault(fault: &Fault) -> String {
    match (fault.kind, &fault.place) {
        (FaultKind::Error | FaultKind::NotNow, _) => fault.message.clone(),
        (FaultKind::Panic, Some(place)) => format!("panicked at {place}: {}", fault.message),
        (FaultKind::Panic, None) => format!("panicked: {}", fault.message),
    }
}
