//! A time limit for code of a plugin that runs in this process, outside of an attempt.
//!
//! # Threads
//! The code runs on a thread of its own. No thread can end another one: code that hangs keeps its thread for ever, and
//! whoever waits for it goes on without.

use std::{sync::mpsc::channel, time::Duration};

use crate::{
    journal::{self, Plugin, Work},
    threads,
};

/// Code of a plugin did not return in time.
#[derive(Debug, thiserror::Error)]
#[error("it did not return within load_timeout_seconds ({} s)", .0.as_secs())]
pub(super) struct TooLong(Duration);

/// Runs code of a plugin on a thread of its own, for at most this long. One that hangs is left alone.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    plugin: &Plugin,
    code: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TooLong> {
    let (sender, receiver) = channel();
    let span = tracing::Span::current();
    let plugin = plugin.clone();
    let run = move || {
        let _entered = journal::enter(&plugin, Work::Loading);
        // Nobody waits any more if it took too long: what it made is dropped here.
        let _ = sender.send(span.in_scope(code));
    };
    match threads::start("plugin-load", run) {
        Ok(()) => receiver.recv_timeout(limit).map_err(|_| TooLong(limit)),
        Err(error) => {
            tracing::warn!("cannot start a thread to load a plugin: {error}");
            Err(TooLong(Duration::ZERO))
        }
    }
}
