//! Opens a library where its code is to run.

use std::io;

use super::{
    in_process::InProcess,
    instance::{InstanceSource, describe_fault},
    library::{self, LibraryRefused},
    opened::{Here, NotOpened, Opened, returned_by},
    pool::{Pool, WorkerPlan},
    processor::Code,
    remote::RemotePlugin,
    time_limit::{TooLong, within},
};
use crate::workers::{WorkerError, protocol::Request};

/// Why a library is not open, or its processor not constructed.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotReady {
    /// The private copy cannot be opened again.
    #[error("cannot open the private copy of the plugin: {0}")]
    Copy(io::Error),
    /// The library is refused in this process.
    #[error(transparent)]
    Library(#[from] LibraryRefused),
    /// The library is refused in a worker, or ends it.
    #[error(transparent)]
    InWorker(#[from] NotOpened),
    /// Code of the plugin ended a worker, or hung in it.
    #[error("{step} fails in a worker process: {reason}")]
    Trial {
        /// What was called.
        step: &'static str,
        /// How it failed.
        reason: WorkerError,
    },
    /// Code of the plugin hangs in this process.
    #[error("{step} hangs: {late}")]
    Hangs {
        /// What was called.
        step: &'static str,
        /// How long it was waited for.
        late: TooLong,
    },
    /// The constructor returned an error, or panicked.
    #[error("its constructor failed: {0}")]
    Constructor(String),
    /// The descriptor panicked, or makes no sense.
    #[error("its descriptor failed: {0}")]
    Descriptor(String),
}

impl NotReady {
    /// What it takes more than a line to explain.
    pub(super) fn explanation(&self) -> Option<String> {
        match self {
            Self::Library(refused) => refused.explanation(),
            Self::InWorker(NotOpened::Refused { details, .. }) => details.clone(),
            _ => None,
        }
    }
}

/// Opens the library in this process, and constructs its processor.
///
/// # Errors
/// When the library is refused, or the constructor fails or hangs.
pub(super) fn open_here(plan: &WorkerPlan) -> Result<(Opened, InstanceSource), NotReady> {
    let limit = plan.limits.load_timeout;
    let copy = plan.copy.duplicate().map_err(NotReady::Copy)?;
    let built = plan.built.clone();
    let hangs = |step| move |late| NotReady::Hangs { step, late };
    let module = within(limit, &plan.plugin, move || library::open(copy, &built)).map_err(hangs("the library"))??;
    let source = InstanceSource {
        plugin: plan.plugin.clone(),
        module,
        log_name: plan.log_name.clone(),
        configuration: plan.configuration.clone(),
    };
    let constructor = source.clone();
    let constructed = within(limit, &plan.plugin, move || constructor.construct()).map_err(hangs("its constructor"))?;
    let instance = constructed.map_err(|fault| NotReady::Constructor(describe_fault(&fault)))?;
    Ok((Opened::Here(Here::new(instance, &plan.plugin)), source))
}

/// Opens the library in a worker process, and constructs its processor.
///
/// # Errors
/// When the library is refused, or the constructor fails, hangs, or ends the worker.
pub(super) fn open_in_worker(plan: &WorkerPlan) -> Result<RemotePlugin, NotReady> {
    let mut worker = plan.open(&|_| ())?;
    let constructed = worker.answer(&Request::Construct, plan.limits.load_timeout);
    returned_by::<()>(constructed).map_err(|fault| NotReady::Constructor(describe_fault(&fault)))?;
    Ok(worker)
}

/// Puts a plugin that is loaded in this process into service; `None` if its code hangs.
pub(super) fn serve_here(here: Here, source: InstanceSource, aside: Pool) -> Option<Code> {
    let instance = here.into_instance()?;
    Some(Code::Here(Box::new(InProcess::new(source, instance, aside))))
}

/// Puts a plugin that is loaded in a worker into service.
pub(super) fn serve_in_workers(worker: RemotePlugin, pool: Pool) -> Code {
    pool.give_back(worker);
    Code::InWorkers(Box::new(pool))
}
