//! The host's threads, each of which takes up the log before it does anything.
//!
//! A thread that uses a thread-local value for the first time waits in the C library for the lock that `dlopen` holds
//! while the constructors of a library run. Writing a line of the log uses some. A thread that has done it once can end
//! what it has begun, whatever a plugin that is being loaded does.

use std::{io, thread};

/// The target of the event by which a thread takes up the log. No line is written for it.
pub const BEGINS: &str = "session_host::threads::begins";

/// Starts a thread of this name.
///
/// # Errors
/// When the system gives none.
pub fn start(name: impl Into<String>, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let begin = move || {
        take_up_the_log();
        work();
    };
    thread::Builder::new().name(name.into()).spawn(begin).map(drop)
}

/// Lets this thread take up the log: for threads that others start.
pub fn take_up_the_log() {
    tracing::error_span!("begins").in_scope(|| tracing::error!(target: BEGINS, "a thread begins"));
}
