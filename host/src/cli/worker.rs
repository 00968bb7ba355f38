//! `session-host worker`, hidden: the process in which the host runs the code of a plugin.
//!
//! # Threads
//! The plugin runs on a thread with the stack of the host's own workers, so that what fits there fits here. The process is
//! confined while it has only its first thread: Landlock and seccomp confine a thread and those that it starts, and a plugin
//! can make any other thread of its process run its code.

use std::sync::mpsc::channel;

use anyhow::Context;

use super::{Exit, output::UsageError};
use crate::{
    plugins, process, threads,
    workers::{Confinement, begin_as_worker, confine},
};

/// Confines this process for ever.
pub(super) fn confine_by(confinement: &str) -> anyhow::Result<()> {
    let confinement: Confinement = serde_json::from_str(confinement).context("cannot read what confines the worker")?;
    confine(&confinement)?;
    Ok(())
}

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
