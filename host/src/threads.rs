//! The host's threads.
//!
//! # Threads
//! Each takes up the log before it does anything. A thread that uses a thread-local value for the first time waits in the C
//! library for the lock that `dlopen` holds while the constructors of a library run. Writing a line of the log uses some. A
//! thread that has done it once can end what it has begun, whatever a plugin that is being loaded does.

use std::{
    cell::Cell,
    io,
    panic::{UnwindSafe, catch_unwind},
    thread,
};

use session_plugin_api::panic_text;

/// The target of the event by which a thread takes up the log. No line is written for it.
pub const BEGINS: &str = "session_host::threads::begins";

/// How large the stack of a thread is that may run SQL, in bytes: DuckDB plans nested and joined tables by recursion, up to
/// its own limits, which a stack of the usual size does not reach. Only what is used of it takes memory.
pub const STACK: usize = 128 << 20;

/// Starts a thread of this name.
///
/// # Errors
/// When the system gives none.
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

/// Lets this thread take up the log: for threads that others start.
pub fn take_up_the_log() {
    tracing::error_span!("begins").in_scope(|| tracing::error!(target: BEGINS, "a thread begins"));
}

thread_local! {
    static CATCHES: Cell<bool> = const { Cell::new(false) };
}

/// Runs code that panics where what it reads is nonsense, and gives what the panic says in place of a result.
///
/// # Errors
/// When it panics.
pub fn catch_panic<T>(code: impl FnOnce() -> T + UnwindSafe) -> Result<T, String> {
    let outer = CATCHES.replace(true);
    let result = catch_unwind(code);
    CATCHES.set(outer);
    result.map_err(|payload| panic_text(&*payload).to_owned())
}

/// Whether a panic of this thread is expected and caught, and so no fault of the host.
#[must_use]
pub fn catches_panics() -> bool {
    CATCHES.get()
}
