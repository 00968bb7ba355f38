//! SIGINT and SIGTERM: the first is the wish to end, the second ends at once. SIGHUP: look at what may have changed.

use std::{io, sync::Arc, thread};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{process, runner::StopToken};

/// What a shell reports of a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// What SIGHUP does.
pub(super) enum Hangup {
    /// It ends the process, as it does by itself.
    Ends,
    /// It makes a service look again at its plugins and its token.
    Reloads(Arc<dyn Fn() + Send + Sync>),
}

/// Turns the signals into the wish to end, from now on.
pub(super) fn stop_on_signals(stop: StopToken, hangup: Hangup) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let entered = runtime.enter();
    let interrupt = signal(SignalKind::interrupt())?;
    let terminate = signal(SignalKind::terminate())?;
    let hangup = match hangup {
        Hangup::Ends => None,
        Hangup::Reloads(reload) => Some((signal(SignalKind::hangup())?, reload)),
    };
    drop(entered);
    let listen = async move {
        match hangup {
            None => end(interrupt, terminate, stop).await,
            Some((hangup, reload)) => tokio::join!(end(interrupt, terminate, stop), reload_on(hangup, reload)).0,
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(listen))
        .map(drop)
}

async fn end(mut interrupt: Signal, mut terminate: Signal, stop: StopToken) {
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
}

async fn reload_on(mut hangup: Signal, reload: Arc<dyn Fn() + Send + Sync>) {
    while hangup.recv().await.is_some() {
        // Loading takes a while, and a signal to end must not wait for it.
        let reload = Arc::clone(&reload);
        thread::spawn(move || reload());
    }
}
