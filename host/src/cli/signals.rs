//! SIGINT and SIGTERM: the first requests shutdown, the second ends the process at once. SIGHUP: reload.
//!
//! # Threads
//! One thread listens. A reload runs on its own thread, because shutdown must not wait for it. The signal handler itself
//! ends the process at the second signal, because every thread could be waiting.

use std::{
    cell::Cell,
    io,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

use signal_hook::flag;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{process, runner::StopToken, threads};

/// The exit status that a shell reports for a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// What SIGHUP does.
pub(super) enum Hangup {
    /// It ends the process, which is the system's default.
    Ends,
    /// It makes a service reload its plugins and its token.
    Reloads(Arc<dyn Fn() + Send + Sync>),
}

/// What the signals do in a service, from when it first listens to them.
#[derive(Default)]
pub(super) struct ServiceSignals {
    stop: StopToken,
    reload: Arc<OnceLock<Reload>>,
    listens: Cell<bool>,
}

/// What SIGHUP does in a service that has started.
type Reload = Box<dyn Fn() + Send + Sync>;

impl ServiceSignals {
    /// What SIGINT and SIGTERM stop.
    pub(super) fn stop(&self) -> &StopToken {
        &self.stop
    }

    /// SIGHUP does this from now on. Until then, it does nothing.
    pub(super) fn reload_by(&self, reload: impl Fn() + Send + Sync + 'static) {
        // A service starts once.
        let _ = self.reload.set(Box::new(reload));
    }

    /// Listens to the signals, if it does not do so yet.
    pub(super) fn listen(&self) -> io::Result<()> {
        if self.listens.replace(true) {
            return Ok(());
        }
        let reload = Arc::clone(&self.reload);
        let on_hangup = move || match reload.get() {
            Some(reload) => reload(),
            None => tracing::info!("there is nothing to reload yet"),
        };
        stop_on_signals(self.stop.clone(), Hangup::Reloads(Arc::new(on_hangup)))
    }
}

/// From now on, turns the signals into a request to stop.
pub(super) fn stop_on_signals(stop: StopToken, hangup: Hangup) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    end_at_once_on_the_second()?;
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
    threads::start("signals", move || runtime.block_on(listen))
}

/// From now on, the signals that end the process let `clean` end first.
pub(super) fn end_after(clean: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    end_at_once_on_the_second()?;
    let entered = runtime.enter();
    let (mut interrupt, mut terminate, mut hangup) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    );
    drop(entered);
    let heard = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    };
    threads::start("signals", move || {
        runtime.block_on(heard);
        clean();
        process::end_at_once(INTERRUPTED)
    })
}

/// The handler itself ends the process. A thread could not always do it: when it first uses a thread-local value, for
/// example to write a log line, it waits in the C library for the lock that `dlopen` holds while the constructors of a
/// library run.
fn end_at_once_on_the_second() -> io::Result<()> {
    let is_second = Arc::new(AtomicBool::new(false));
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let number = kind.as_raw_value();
        flag::register_conditional_shutdown(number, INTERRUPTED, Arc::clone(&is_second))?;
        flag::register(number, Arc::clone(&is_second))?;
    }
    Ok(())
}

async fn end(mut interrupt: Signal, mut terminate: Signal, stop: StopToken) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    // Before the log line, which may have to wait.
    stop.stop();
    tracing::warn!("shutting down: attempts in flight may finish; a second signal ends the process at once");
}

async fn reload_on(mut hangup: Signal, reload: Arc<dyn Fn() + Send + Sync>) {
    while hangup.recv().await.is_some() {
        // Loading takes a while, and shutdown must not wait for it.
        let reload = Arc::clone(&reload);
        if let Err(error) = threads::start("reload", move || reload()) {
            tracing::error!("cannot start a thread for the reload: {error}");
        }
    }
}
