//! A plugin on its way into service: open in this process or in a worker, with the same steps of loading in either.

use std::time::Duration;

use serde::de::DeserializeOwned;
use session_plugin_api::{
    Migration,
    abi::message::{Description, Fault, decode},
};

use super::{
    call::{Refusal, Requests, TakeRows},
    instance::{Instance, returned},
    reference::Gathered,
    remote::RemotePlugin,
    serving::LibraryReport,
    time_limit::{TooLong, within},
};
use crate::{
    abi_checks::check_description,
    column::Column,
    journal::Plugin,
    state::ReferenceRows,
    workers::{WorkerError, protocol::Request},
};

/// A plugin whose processor is constructed.
pub(super) enum Opened {
    /// In this process.
    Here(Here),
    /// In a worker process.
    InWorker(Box<RemotePlugin>),
}

/// Why a library is not open in a worker.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOpened {
    /// The worker failed.
    #[error("the library does not load: {0}")]
    Worker(WorkerError),
    /// The worker refuses the library.
    #[error("{reason}")]
    Refused {
        /// Why, in one line.
        reason: String,
        /// The long explanation, if there is one.
        details: Option<String>,
    },
}

/// Why it is not known whether the processor takes its configuration.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotConfigured {
    /// The call hangs in this process.
    #[error("its configuration hangs: {0}")]
    Hangs(TooLong),
    /// The call ended its worker process, or hangs in it.
    #[error("its configuration fails in a worker process: {0}")]
    InWorker(WorkerError),
}

impl NotOpened {
    /// What a worker reports about the library.
    pub(super) fn of_report(report: &[u8]) -> Result<(), Self> {
        let unreadable = |error: serde_json::Error| LibraryReport {
            reason: Some(format!("the worker process reports nonsense: {error}")),
            details: None,
        };
        let LibraryReport { reason, details } = decode(report).unwrap_or_else(unreadable);
        match reason {
            Some(reason) => Err(Self::Refused { reason, details }),
            None => Ok(()),
        }
    }
}

impl RemotePlugin {
    /// Makes a request for an answer alone.
    pub(super) fn answer(&mut self, request: &Request<'_>, timeout: Duration) -> Result<Vec<u8>, WorkerError> {
        self.ask(request, timeout, &mut super::remote::NoRequests)
    }
}

/// What the plugin in a worker returned.
pub(super) fn returned_by<T: DeserializeOwned>(answer: Result<Vec<u8>, WorkerError>) -> Result<T, Fault> {
    let answer = answer.map_err(|error| Fault::error(error.to_string()))?;
    returned(&answer)
}

impl Opened {
    /// The processor's description of itself.
    pub(super) fn describe(&mut self, limit: Duration) -> Result<(Description, Vec<Migration>), Fault> {
        let description: Description = match self {
            Self::Here(here) => here.within(limit, |instance| instance.describe())?,
            Self::InWorker(worker) => returned_by(worker.answer(&Request::Describe, limit))?,
        };
        check_description(&description).map_err(|malformed| Fault::error(malformed.to_string()))?;
        let migrations = description.migrations.clone();
        Ok((description, migrations))
    }

    /// Hands over the processor's section of the configuration, as JSON.
    ///
    /// # Errors
    /// When the call does not return. A configuration that the processor rejects is a result.
    pub(super) fn configure(
        &mut self,
        configuration: &str,
        limit: Duration,
    ) -> Result<Result<(), Fault>, NotConfigured> {
        match self {
            Self::Here(here) => {
                let configuration = configuration.to_owned();
                let configured = here.try_within(limit, move |instance| instance.configure(&configuration));
                configured.map_err(NotConfigured::Hangs)
            }
            Self::InWorker(worker) => {
                let answer = worker.answer(&Request::Configure(configuration), limit);
                Ok(returned(&answer.map_err(NotConfigured::InWorker)?))
            }
        }
    }

    /// The rows of the reference tables that it declares.
    pub(super) fn reference_rows(&mut self, declared: &[String], limit: Duration) -> Result<ReferenceRows, Fault> {
        let mut gathered = Gathered::of(declared);
        match self {
            Self::Here(here) => here.within(limit, move |instance| {
                instance.reference_rows(&mut gathered)?;
                gathered.into_rows()
            }),
            Self::InWorker(worker) => {
                let answer = worker.ask(&Request::ReferenceRows, limit, &mut GatheredRequests(&mut gathered));
                returned_by::<()>(answer)?;
                gathered.into_rows()
            }
        }
    }
}

/// An instance in this process, until its code does not return.
pub(super) struct Here {
    instance: Option<Instance>,
    plugin: Plugin,
}

impl Here {
    pub(super) fn new(instance: Instance, plugin: &Plugin) -> Self {
        Self {
            instance: Some(instance),
            plugin: plugin.clone(),
        }
    }

    /// The instance, unless it hangs.
    pub(super) fn into_instance(self) -> Option<Instance> {
        self.instance
    }

    fn within<T: Send + 'static>(
        &mut self,
        limit: Duration,
        code: impl FnOnce(&mut Instance) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let returned = self.try_within(limit, code);
        returned.map_err(|late| Fault::error(late.to_string()))?
    }

    fn try_within<T: Send + 'static>(
        &mut self,
        limit: Duration,
        code: impl FnOnce(&mut Instance) -> Result<T, Fault> + Send + 'static,
    ) -> Result<Result<T, Fault>, TooLong> {
        let Some(mut instance) = self.instance.take() else {
            return Ok(Err(Fault::error("an earlier call of it has not returned")));
        };
        let (instance, result) = within(limit, &self.plugin, move || {
            let result = code(&mut instance);
            (instance, result)
        })?;
        self.instance = Some(instance);
        Ok(result)
    }
}

/// Gathers the rows of reference tables from a worker.
struct GatheredRequests<'a>(&'a mut Gathered);

impl Requests for GatheredRequests<'_> {
    fn replace(&mut self, table: &str, columns: &[Column<'_>]) -> Result<u64, Fault> {
        self.0.add(table, columns)
    }

    fn execute(&mut self, _: &str, _: &[Column<'_>]) -> Result<u64, Fault> {
        Err(self.0.fail(Fault::error("there is no attempt to run a statement for")))
    }

    fn query(&mut self, _: &str, _: &[Column<'_>], _: &mut TakeRows<'_>) -> Result<u64, Fault> {
        Err(self.0.fail(Fault::error("there is no attempt to run a query for")))
    }

    fn refuse(&mut self, refusal: Refusal) -> Fault {
        self.0.fail(Fault::error(refusal.to_string()))
    }
}
