//! One instance of a processor in this process: what a plugin constructed, behind the checks of what it returns.

use abi_stable::{
    erased_types::TD_Opaque,
    std_types::{RBox, RResult, RStr, RVec},
};
use serde::de::{DeserializeOwned, IgnoredAny};
use session_plugin_api::abi::{
    ProcessorModule_Ref, RawAttempt_TO, RawProcessor_TO, RawReferenceSink_TO,
    message::{Description, Fault, FaultKind, Outcome, decode},
};

use super::{
    call::{Call, Requests},
    host_log::{LogName, host_for},
    reference::Gathered,
    teardown::OfPlugin,
    view::View,
};
use crate::{
    journal::{self, Plugin, Stage},
    workers::protocol::Method,
};

/// One constructed and configured instance of a processor.
pub(super) struct Instance {
    raw: OfPlugin<RawProcessor_TO<'static, RBox<()>>>,
}

/// What constructs instances.
#[derive(Clone)]
pub(super) struct InstanceSource {
    pub(super) plugin: Plugin,
    pub(super) module: ProcessorModule_Ref,
    pub(super) log_name: LogName,
    pub(super) configuration: String,
}

impl InstanceSource {
    /// Constructs an instance, not yet configured.
    pub(super) fn construct(&self) -> Result<Instance, Fault> {
        let _stage = journal::at(Stage::Constructor);
        match self.module.construct()(host_for(&self.log_name)) {
            RResult::ROk(raw) => Ok(Instance {
                raw: OfPlugin::new(raw, &self.plugin),
            }),
            RResult::RErr(bytes) => Err(decode(&bytes).unwrap_or_else(unreadable)),
        }
    }
}

impl Instance {
    /// What the processor declares about itself.
    pub(super) fn describe(&self) -> Result<Description, Fault> {
        let _stage = journal::at(Stage::Descriptor);
        returned(&self.raw.describe())
    }

    /// Hands over the processor's section of the configuration, as JSON.
    pub(super) fn configure(&mut self, configuration: &str) -> Result<(), Fault> {
        let _stage = journal::at(Stage::Configure);
        returned(&self.raw.configure(RStr::from_str(configuration)))
    }

    /// Gathers the rows of the reference tables.
    pub(super) fn reference_rows(&self, gathered: &mut Gathered) -> Result<(), Fault> {
        let _stage = journal::at(Stage::ReferenceRows);
        let sink = RawReferenceSink_TO::from_value(gathered, TD_Opaque);
        returned(&self.raw.reference_rows(sink))
    }

    /// Calls a method for one session.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        call: &Call<'_>,
        requests: &mut dyn Requests,
    ) -> Result<T, Fault> {
        returned(&call_raw(&self.raw, method, call, requests))
    }
}

/// Calls a method of a processor for one session. Returns the plugin's answer.
pub(super) fn call_raw(
    processor: &RawProcessor_TO<'static, RBox<()>>,
    method: Method,
    call: &Call<'_>,
    requests: &mut dyn Requests,
) -> RVec<u8> {
    let view = RawAttempt_TO::from_value(View::new(call, requests), TD_Opaque);
    match method {
        Method::ProcessSession => processor.process_session(&view),
        Method::Replaced => processor.replaced(&view),
        Method::Forgotten => processor.forgotten(&view),
    }
}

/// The maximum size of an answer, in bytes. Of a longer one, the host only reads the fault of a failed call.
const MAX_ANSWER: usize = 16 << 20;

/// Reads an answer of the plugin.
pub(super) fn returned<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let length = bytes.len();
    let outcome = match length <= MAX_ANSWER {
        true => decode(bytes),
        false => decode::<Outcome<IgnoredAny>>(bytes).map(|outcome| match outcome {
            Outcome::Failed(fault) => Outcome::Failed(fault),
            Outcome::Returned(_) => Outcome::Failed(Fault::error(format!(
                "the plugin's answer has {length} bytes, more than {MAX_ANSWER}"
            ))),
        }),
    };
    match outcome {
        Ok(Outcome::Returned(value)) => Ok(value),
        Ok(Outcome::Failed(fault)) => Err(fault),
        Err(error) => Err(unreadable(error)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` and `unwrap_or_else` give")]
fn unreadable(error: serde_json::Error) -> Fault {
    Fault::error(format!("the plugin's answer cannot be read: {error}"))
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
