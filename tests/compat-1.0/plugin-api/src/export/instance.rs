//! A processor behind the ABI: its calls, each of them guarded.

use std::mem::ManuallyDrop;

use abi_stable::{
    erased_types::TD_Opaque,
    std_types::{RBox, RResult, RStr, RVec},
};

use super::{
    Exported,
    guard::{guarded, install_panic_hook},
    logging,
};
use crate::{
    Configuration, Connection, Session, SessionProcessor,
    abi::{
        RawAttempt_TO, RawHost_TO, RawProcessor, RawProcessor_TO,
        message::{Description, Outcome, Processed, encode},
    },
};

struct Instance<P: SessionProcessor>(ManuallyDrop<P>);

type Constructed = RResult<RawProcessor_TO<'static, RBox<()>>, RVec<u8>>;

pub(super) extern "C" fn construct<P: Exported>(host: RawHost_TO<'static, RBox<()>>) -> Constructed {
    logging::forward_to(host);
    install_panic_hook();
    match guarded(|| Ok(P::default())) {
        Outcome::Returned(processor) => {
            let instance = Instance(ManuallyDrop::new(processor));
            RResult::ROk(RawProcessor_TO::from_value(instance, TD_Opaque))
        }
        Outcome::Failed(fault) => RResult::RErr(RVec::from(encode(&fault))),
    }
}

impl<P: Exported> RawProcessor for Instance<P> {
    fn describe(&self) -> RVec<u8> {
        let outcome = guarded(|| {
            Ok(Description {
                descriptor: self.0.descriptor(),
                migrations: self.0.migrations(),
                package_version: P::PACKAGE_VERSION.to_owned(),
            })
        });
        RVec::from(encode(&outcome))
    }

    fn configure(&mut self, configuration: RStr<'_>) -> RVec<u8> {
        let configuration = Configuration::from_json(configuration.as_str());
        RVec::from(encode(&guarded(|| self.0.configure(&configuration))))
    }

    fn process_session(&self, attempt: &RawAttempt_TO<'_, RBox<()>>) -> RVec<u8> {
        let outcome = guarded(|| {
            let session = Session::of_attempt(attempt);
            let result = self.0.process_session(&session, &Connection::new(attempt))?;
            Ok(Processed {
                items_count: result.items_count,
                reading: session.reading(),
            })
        });
        RVec::from(encode(&outcome))
    }
}

impl<P: SessionProcessor> Drop for Instance<P> {
    #[allow(unsafe_code, reason = "the only way to catch a panic of the author's Drop")]
    fn drop(&mut self) {
        let outcome = guarded(|| {
            // SAFETY: this is `drop`, which runs once, and nothing uses the field after it.
            unsafe { ManuallyDrop::drop(&mut self.0) };
            Ok(())
        });
        if let Outcome::Failed(fault) = outcome {
            let place = fault.place.as_deref().unwrap_or_default();
            tracing::error!(place, "the processor panicked while it was dropped: {}", fault.message);
        }
    }
}
