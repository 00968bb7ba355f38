//! A loaded processor, and the calls of it.
//!
//! In this process, one instance makes all attempts. In process isolation, each attempt has a worker process to itself.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use serde::de::DeserializeOwned;
use session_plugin_api::{
    Descriptor,
    abi::message::{Description, Hooks, Processed},
};

pub use session_plugin_api::abi::message::Fault;

use super::{
    call::{Call, CallError, CallResult, Requests, Watch},
    hook::Hook,
    in_process::InProcess,
    pool::Pool,
    reports::{ReportTrial, Reports},
    wedges::{Wedge, Wedges},
};
use crate::{
    abi_checks,
    names::ProcessorName,
    state::{FilledTable, PluginVersion},
    workers::{Network, protocol::Method},
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
    tables_version: u32,
    code: Code,
    reports: LazyReports,
    distrust: Option<String>,
    wedges: Wedges,
}

/// The reports, which are tried when somebody first asks for them.
type LazyReports = LazyLock<Reports, ReportTrial>;

/// Where the code of a processor runs.
pub(super) enum Code {
    /// In this process.
    Here(Box<InProcess>),
    /// In worker processes.
    InWorkers(Box<Pool>),
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
            tables_version: 0,
            code,
            reports: LazyReports::new(Box::new(Reports::default)),
            distrust: None,
            wedges: Wedges::default(),
        }
    }

    /// The same processor, whose tables are at this version: that of its newest migration.
    pub(super) fn with_tables_at(self, version: u32) -> Self {
        Self {
            tables_version: version,
            ..self
        }
    }

    /// The same processor with the reports that come of this trial.
    pub(super) fn with_reports(self, trial: ReportTrial) -> Self {
        Self {
            reports: LazyReports::new(trial),
            ..self
        }
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

    /// The version of its tables: that of its newest migration.
    #[must_use]
    pub fn tables_version(&self) -> u32 {
        self.tables_version
    }

    /// Takes the processor out of service while the wedge exists, because a call into it does not return.
    #[must_use]
    pub fn wedge(&self, session: &str) -> Wedge {
        if let Code::Here(here) = &self.code {
            here.isolate("an attempt did not return within attempt_timeout_seconds");
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
            Code::Here(here) => here.failure(),
            Code::InWorkers(pool) => pool.failure(),
        }
    }

    /// Tries again what could not be started.
    pub(super) fn try_again(&self) {
        match &self.code {
            Code::Here(here) => here.try_again(),
            Code::InWorkers(pool) => pool.try_again(),
        }
    }

    /// Its reports. The first to ask tries those of a new library, and others wait meanwhile.
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
            Code::Here(here) => here.call(&self.name, method, call, requests, watch),
            Code::InWorkers(pool) => pool.call(method, call, requests, watch),
        }
    }

    /// The process numbers of the worker processes that wait for an attempt.
    #[must_use]
    pub fn idle_workers(&self) -> Vec<u32> {
        match &self.code {
            Code::Here(here) => here.aside().idle_workers(),
            Code::InWorkers(pool) => pool.idle_workers(),
        }
    }

    /// Ends the worker processes that have waited too long for an attempt.
    pub fn end_idle_workers(&self) {
        match &self.code {
            Code::Here(here) => here.aside().end_idle(),
            Code::InWorkers(pool) => pool.end_idle(),
        }
    }
}
