//! The trial of a new library: a worker process opens, describes, configures and drops it before the host loads it.

use session_plugin_api::abi::message::Description;

use super::{
    instance::{describe_fault, returned},
    opening::NotReady,
    passed_trials::Passed,
    pool::WorkerPlan,
};
use crate::workers::{WorkerError, protocol::Request};

/// Opens, describes and configures a library in a worker process. Returns what its processor tells of itself.
///
/// `configuration` returns the section of a processor, as JSON. A configuration that the processor rejects is no reason to
/// reject the library here: loading meets it again.
///
/// # Errors
/// When the library or its processor crashes, hangs, or is refused.
pub(super) fn try_in_worker(plan: &WorkerPlan, configuration: impl FnOnce(&str) -> String) -> Result<Passed, NotReady> {
    let limit = plan.limits.load_timeout;
    let failed = |step| move |reason| NotReady::Trial { step, reason };
    let mut worker = plan.open(&|_| ())?;
    let constructed = worker
        .answer(&Request::Construct, limit)
        .map_err(failed("its constructor"))?;
    returned::<()>(&constructed).map_err(|fault| NotReady::Constructor(describe_fault(&fault)))?;
    let described = worker
        .answer(&Request::Describe, limit)
        .map_err(failed("its descriptor"))?;
    let description: Description =
        returned(&described).map_err(|fault| NotReady::Descriptor(describe_fault(&fault)))?;
    let passed = Passed {
        processor: description.descriptor.name().to_owned(),
        output_version: description.descriptor.version_of_output(),
        reports: None,
    };
    worker
        .answer(&Request::Configure(&configuration(&passed.processor)), limit)
        .map_err(failed("its configuration"))?;
    match worker.drop_processor() {
        Err(ended @ WorkerError::Ended(_)) => Err(failed("its `Drop`")(ended)),
        // One that hangs holds nothing up: it keeps a thread of the host at most.
        Ok(()) | Err(_) => Ok(passed),
    }
}
