//! `session-host worker`, hidden: the process in which the host runs the code of a plugin.
//!
//! # Threads
//! The plugin runs on a thread with the stack of the host's own workers, so that what fits there fits here.

use std::sync::mpsc::channel;

use super::{Exit, output::UsageError};
use crate::{plugins, process, threads, workers::begin_as_worker};

/// Serves the host that started this process.
pub(super) fn work() -> anyhow::Result<Exit> {
    let link = begin_as_worker().map_err(|error| {
        UsageError(format!(
            "only session-host starts this command, with a socket as stdin: {error}"
        ))
    })?;
    let (ended, end) = channel();
    threads::start("plugin", move || {
        // The receiver waits until this is sent, or the thread ends.
        let _ = ended.send(plugins::serve(link));
    })?;
    // Threads of the plugin may run on, and must not delay the end.
    match end.recv() {
        Ok(Ok(())) => process::end_at_once(Exit::Done as i32),
        Ok(Err(_)) | Err(_) => process::end_at_once(Exit::Failed as i32),
    }
}
