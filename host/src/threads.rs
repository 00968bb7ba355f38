//! The host's threads.
//!
//! # Threads
//! Each thread first initialises its part of the log. Writing a log line uses thread-local values. The first use of such a
//! value waits in the C library for the lock that `dlopen` holds while the constructors of a library run. A thread that has
//! written once can therefore finish its work, whatever the constructors of a loading plugin do.

use std::{
    cell::Cell,
    io,
    panic::{UnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, Thread},
};

use session_plugin_api::panic_text;

/// The target of the event with which a thread initialises its part of the log. No line is written for it.
pub const BEGINS: &str = "session_host::threads::begins";

/// The stack size of a thread that may run SQL, in bytes. DuckDB plans nested and joined tables by recursion, up to its own
/// limits; a stack of the usual size overflows before that. Only the used part takes memory.
pub const STACK: usize = 128 << 20;

/// Starts a thread of this name.
///
/// # Errors
/// When the system cannot start one.
pub fn start(name: impl Into<String>, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let begin = move || {
        take_up_the_log();
        work();
    };
    thread::Builder::new()
        .name(name.into())
        .stack_size(STACK)
        .spawn(begin)
        .map(drop)
}

/// Initialises the log for this thread: for threads that other code starts.
pub fn take_up_the_log() {
    tracing::error_span!("begins").in_scope(|| tracing::error!(target: BEGINS, "a thread begins"));
}

/// Tells a thread that watches some work that the work has ended, however it ends: when this is dropped.
#[derive(Debug)]
pub struct Ending<'a> {
    ended: &'a AtomicBool,
    watching: Thread,
}

impl<'a> Ending<'a> {
    /// Sets `ended` at the end, and wakes the thread.
    #[must_use]
    pub fn new(ended: &'a AtomicBool, watching: Thread) -> Self {
        Self { ended, watching }
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.watching.unpark();
    }
}

thread_local! {
    static CATCHES: Cell<bool> = const { Cell::new(false) };
}

/// Runs code that may panic on invalid input; returns the panic's message in place of a result.
///
/// # Errors
/// When it panics.
pub fn catch_panic<T>(code: impl FnOnce() -> T + UnwindSafe) -> Result<T, String> {
    let outer = CATCHES.replace(true);
    let result = catch_unwind(code);
    CATCHES.set(outer);
    result.map_err(|payload| panic_text(&*payload).to_owned())
}

/// Whether a panic of this thread is expected and caught, and so not a fault of the host.
#[must_use]
pub fn catches_panics() -> bool {
    CATCHES.get()
}
