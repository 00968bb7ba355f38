//! Catches panics: every call into an author's code goes through [`guarded`].
//!
//! The catch must happen on the plugin's side of the ABI boundary. A plugin carries its own copy of the standard library,
//! and no other copy can catch that copy's panics.
//!
//! # Threads
//! Each thread that the host calls on keeps its own last panic. A thread that the plugin started makes no call of the host,
//! so its panic is logged where it happens.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
    sync::Once,
};

use crate::{
    Result,
    abi::{
        capped,
        message::{Fault, FaultKind, Outcome},
    },
    error::ErrorKind,
    panic_text,
};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LAST_PANIC: RefCell<Option<Fault>> = const { RefCell::new(None) };
}

/// Runs an author's code and turns its error or panic into a fault.
pub(crate) fn guarded<T>(code: impl FnOnce() -> Result<T>) -> Outcome<T> {
    // Forget an earlier panic: the author's code has caught it.
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

/// Sends this library's panics to the host's log instead of stderr. Only the first call has an effect.
pub(super) fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| std::panic::set_hook(Box::new(note_panic)));
}

fn note_panic(info: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let fault = Fault {
        kind: FaultKind::Panic,
        message: capped(panic_text(info.payload())),
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
        message: capped(panic_text(payload.as_ref())),
        place: None,
        backtrace: None,
    });
    // A payload of the author's own type may panic again when it is dropped.
    if payload.is::<&str>() || payload.is::<String>() {
        drop(payload);
    } else {
        std::mem::forget(payload);
    }
    fault
}
