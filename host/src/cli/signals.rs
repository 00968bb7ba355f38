//! SIGINT and SIGTERM: the first is the wish to end, the second ends at once.

use std::{io, thread};

use tokio::signal::unix::{SignalKind, signal};

use crate::{process, runner::StopToken};

/// What a shell reports of a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// Turns the signals into the wish to end, from now on.
pub(super) fn stop_on_signals(stop: StopToken) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let listen = async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.stopped_at().is_some() {
                process::end_at_once(INTERRUPTED);
            }
            tracing::warn!("ending: attempts in flight may finish; a second signal ends at once");
            stop.stop();
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(listen))
        .map(drop)
}
