//! The `catch_unwind` that counts: every call into an author's code goes through [`guarded`].
//!
//! It has to stand on the plugin's side of the border: a plugin carries its own copy of the standard library, whose
//! panics no other copy can catch.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
    sync::Once,
};

use crate::{
    Result,
    abi::message::{Fault, FaultKind, Outcome, capped},
    error::ErrorKind,
};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LAST_PANIC: RefCell<Option<Fault>> = const { RefCell::new(None) };
}

/// Runs an author's code and turns an error or a panic of it into a fault.
pub(crate) fn guarded<T>(code: impl FnOnce() -> Result<T>) -> Outcome<T> {
    // A panic that an author caught is over.
    LAST_PANIC.set(None);
    DEPTH.set(DEPTH.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(code));
    DEPTH.set(DEPTH.get() - 1);
    match result {
        Ok(Ok(value)) => Outcome::Returned(value),
        Ok(Err(error)) => Outcome::Failed(Fault {
            kind: match error.kind() {
                ErrorKind::Failure => FaultKind::Error,
                ErrorKind::NotNow => FaultKind::NotNow,
            },
            ..Fault::error(error.to_string())
        }),
        Err(payload) => Outcome::Failed(fault_of(payload)),
    }
}

/// Sends this library's panics to the host's log instead of stderr. Done once, whoever calls.
pub(super) fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| std::panic::set_hook(Box::new(note_panic)));
}

fn note_panic(info: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let fault = Fault {
        kind: FaultKind::Panic,
        message: capped(text_of(info.payload())),
        place: info.location().map(ToString::to_string),
        backtrace: (backtrace.status() == BacktraceStatus::Captured).then(|| capped(backtrace.to_string())),
    };
    if DEPTH.get() > 0 {
        LAST_PANIC.set(Some(fault));
        return;
    }
    tracing::error!(
        place = fault.place.as_deref().unwrap_or_default(),
        thread = std::thread::current().name().unwrap_or("unnamed"),
        "a thread of the plugin panicked: {}",
        fault.message
    );
}

fn fault_of(payload: Box<dyn Any + Send>) -> Fault {
    let fault = LAST_PANIC.take().unwrap_or_else(|| Fault {
        kind: FaultKind::Panic,
        message: capped(text_of(payload.as_ref())),
        place: None,
        backtrace: None,
    });
    // A payload of the author's own type may panic once more when it is dropped.
    if payload.is::<&str>() || payload.is::<String>() {
        drop(payload);
    } else {
        std::mem::forget(payload);
    }
    fault
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a payload that is no text".to_owned())
}
