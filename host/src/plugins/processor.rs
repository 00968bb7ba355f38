//! A loaded processor.
//!
//! One instance makes all attempts. It may be inconsistent after a panic or a hang. The host then sets it aside, and
//! the next attempt constructs a fresh one.
//!
//! # Threads
//! All workers share the instance. The lock is held while a fresh instance is constructed, so that only one is made,
//! and never during an attempt. An attempt in flight keeps the instance that it began with.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use abi_stable::{
    erased_types::TD_Opaque,
    std_types::{RBox, RResult, RStr, RVec},
};
use serde::de::{DeserializeOwned, IgnoredAny};
use session_plugin_api::{
    Descriptor, Migration,
    abi::{
        ProcessorModule_Ref, RawAttempt_TO, RawProcessor_TO, RawReferenceSink_TO,
        message::{Description, FaultKind, Outcome, Processed, decode},
    },
};

pub use session_plugin_api::abi::message::Fault;

use super::{
    host_log::{LogName, host_for},
    reference::Gathered,
    teardown::OfPlugin,
    wedges::{Wedge, Wedges},
};
use crate::{
    crossing::check_description,
    names::ProcessorName,
    state::{FilledTable, ReferenceRows},
};

/// A processor that is loaded, configured, and whose tables are ready.
pub struct Processor {
    name: ProcessorName,
    descriptor: Descriptor,
    package_version: String,
    file: PathBuf,
    tables: Vec<Arc<FilledTable>>,
    source: InstanceSource,
    instance: Mutex<Option<Arc<Instance>>>,
    wedges: Wedges,
}

/// One constructed and configured instance of a processor.
pub struct Instance {
    raw: OfPlugin<RawProcessor_TO<'static, RBox<()>>>,
}

/// What constructs instances.
#[derive(Clone)]
pub(super) struct InstanceSource {
    pub(super) module: ProcessorModule_Ref,
    pub(super) log_name: LogName,
    pub(super) configuration: String,
}

impl Processor {
    pub(super) fn new(
        name: ProcessorName,
        description: Description,
        file: &Path,
        tables: Vec<Arc<FilledTable>>,
        source: InstanceSource,
        instance: Instance,
    ) -> Self {
        Self {
            name,
            descriptor: description.descriptor,
            package_version: description.package_version,
            file: file.to_owned(),
            tables,
            source,
            instance: Mutex::new(Some(Arc::new(instance))),
            wedges: Wedges::default(),
        }
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
        self.wedges.add(session)
    }

    /// The sessions whose attempts were abandoned and have not returned, in one line; `None` if there are none.
    #[must_use]
    pub fn wedged_by(&self) -> Option<String> {
        self.wedges.sessions()
    }

    /// The instance in service, or a fresh one if the last was set aside.
    ///
    /// # Errors
    /// When the constructor or `configure` of a fresh one fails.
    pub fn instance(&self) -> Result<Arc<Instance>, Fault> {
        let mut serving = self.instance.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(instance) = &*serving {
            return Ok(Arc::clone(instance));
        }
        let mut fresh = self.source.construct()?;
        fresh.configure(&self.source.configuration)?;
        Ok(Arc::clone(serving.insert(Arc::new(fresh))))
    }

    /// Takes an instance that panicked or hung out of service, because it may be inconsistent. Attempts that already
    /// use it keep it.
    pub fn set_aside(&self, suspect: &Arc<Instance>) {
        let mut serving = self.instance.lock().unwrap_or_else(PoisonError::into_inner);
        if serving.as_ref().is_some_and(|instance| Arc::ptr_eq(instance, suspect)) {
            *serving = None;
        }
    }
}

impl InstanceSource {
    /// Constructs an instance, not yet configured.
    pub(super) fn construct(&self) -> Result<Instance, Fault> {
        match self.module.construct()(host_for(&self.log_name)) {
            RResult::ROk(raw) => Ok(Instance {
                raw: OfPlugin::new(raw),
            }),
            RResult::RErr(bytes) => Err(decode(&bytes).unwrap_or_else(unreadable)),
        }
    }
}

impl Instance {
    /// What the processor declares about itself.
    pub(super) fn describe(&self) -> Result<(Description, Vec<Migration>), Fault> {
        let description: Description = returned(&self.raw.describe())?;
        check_description(&description).map_err(|malformed| Fault::error(malformed.to_string()))?;
        let migrations = description.migrations.clone();
        Ok((description, migrations))
    }

    /// Hands over the processor's section of the configuration, as JSON.
    pub(super) fn configure(&mut self, configuration: &str) -> Result<(), Fault> {
        returned(&self.raw.configure(RStr::from_str(configuration)))
    }

    /// The rows of the reference tables that it declares.
    ///
    /// # Errors
    /// The error that the author's code returned, its panic, or why the host rejected the rows.
    pub(super) fn reference_rows(&self, declared: &[String]) -> Result<ReferenceRows, Fault> {
        let mut gathered = Gathered::of(declared);
        let sink = RawReferenceSink_TO::from_value(&mut gathered, TD_Opaque);
        returned::<()>(&self.raw.reference_rows(sink))?;
        gathered.into_rows()
    }

    /// Processes one session.
    ///
    /// # Errors
    /// The error that the author's code returned, or its panic.
    pub fn process_session(&self, attempt: &RawAttempt_TO<'_, RBox<()>>) -> Result<Processed, Fault> {
        returned(&self.raw.process_session(attempt))
    }
}

/// The maximum size of an answer, in bytes. Of a longer one, the host only reads the fault of a failed call.
const MAX_ANSWER: usize = 16 << 20;

fn returned<T: DeserializeOwned>(bytes: &RVec<u8>) -> Result<T, Fault> {
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
