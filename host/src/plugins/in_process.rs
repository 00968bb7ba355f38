//! A processor whose code runs in this process.
//!
//! One instance makes all attempts. It may be inconsistent after a panic or a hang. The host then sets it aside, and the next
//! attempt constructs a fresh one.
//!
//! # Threads
//! All workers of a run share the instance. The lock is held while a fresh instance is constructed, so that only one is made,
//! and never during an attempt. An attempt in flight keeps the instance that it began with.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use serde::de::DeserializeOwned;
use session_plugin_api::abi::message::{Fault, FaultKind};

use super::{
    call::{Call, CallError, CallResult, Requests, Watch},
    instance::{Instance, InstanceSource, describe_fault},
    pool::Pool,
    time_limit::within,
};
use crate::{
    journal::{self, AttemptOf, Work},
    names::ProcessorName,
    workers::protocol::Method,
};

/// The instance in this process.
pub(super) struct InProcess {
    source: InstanceSource,
    instance: Mutex<Option<Arc<Instance>>>,
    /// Why the last fresh instance could not be made.
    not_renewed: Mutex<Option<String>>,
    /// Where suspects are attempted, and everything once one of them has ended a worker.
    aside: Pool,
    /// Whether code of it has ended a worker process.
    has_crashed: AtomicBool,
}

impl InProcess {
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

    /// Calls the processor.
    ///
    /// # Errors
    /// When there is nothing to call, the processor fails, or its worker process ends.
    pub(super) fn call<T: DeserializeOwned>(
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
    pub(super) fn isolate(&self, reason: &str) {
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

    /// Why neither a fresh instance nor a worker process could be started last.
    pub(super) fn failure(&self) -> Option<String> {
        self.not_renewed().clone().or_else(|| self.aside.failure())
    }

    /// Tries again what could not be started.
    pub(super) fn try_again(&self) {
        let is_due = self.not_renewed().is_some();
        // An instance that fails again is noted.
        let _ = is_due.then(|| self.instance());
        self.aside.try_again();
    }

    /// The worker processes for suspects.
    pub(super) fn aside(&self) -> &Pool {
        &self.aside
    }
}
