//! A service whose database is out of reach when it starts: it waits, and serves its health meanwhile.
//!
//! # Threads
//! The runtime serves health. Each attempt to start has a blocking thread, which a signal abandons, because a connection may
//! take minutes to fail.

use std::{
    cell::RefCell,
    future::ready,
    io::{self, Write as _},
    net::SocketAddr,
    time::Duration,
};

use sd_notify::NotifyState;
use tokio::{runtime::Runtime, task::spawn_blocking, time::sleep};

use super::{output, serve::listen, signals::ServiceSignals, watchdog};
use crate::{
    config::Settings,
    host::{Host, StartError},
    http::{self, Listening, Waiting},
    plugins::{PluginTrust, TriedReports},
    postgres::{NoticedBy, Outage, check_admission},
    runner::StopToken,
    state::StateError,
};

/// How long the service waits between two attempts to reach the database.
const PAUSE: Duration = Duration::from_secs(2);

/// A host that has started.
pub(super) struct Started {
    pub(super) host: Host,
    /// Where it serves already, if it had to wait.
    pub(super) listening: Option<Listening>,
}

/// Starts the host, and waits for its database if that is out of reach. `None` if a signal ended the wait.
///
/// # Errors
/// When the host cannot start for another reason, or cannot listen while it waits.
pub(super) fn start(
    settings: Settings,
    trust: PluginTrust,
    runtime: &Runtime,
    signals: &ServiceSignals,
) -> anyhow::Result<Option<Started>> {
    match Host::start(settings.clone(), trust, TriedReports::All) {
        Ok(host) => Ok(Some(Started { host, listening: None })),
        Err(error) if error.is_outage() => {
            signals.listen()?;
            runtime.block_on(wait(settings, trust, signals.stop(), &error))
        }
        Err(error) => Err(error.into()),
    }
}

async fn wait(
    settings: Settings,
    trust: PluginTrust,
    stop: &StopToken,
    error: &StartError,
) -> anyhow::Result<Option<Started>> {
    let listening = listen(settings.service.listen).await?;
    let waiting = Waiting::new(pause_of(&settings));
    let outage = Outage::default();
    let said = RefCell::new(String::new());
    let tell = |error: &StartError| {
        outage.notice(NoticedBy::Start, error);
        waiting.tells(error);
        // What systemd is told has one line, and the same again helps nobody.
        let status = format!("waits for PostgreSQL: {error}").replace('\n', " ");
        if said.replace(status.clone()) != status {
            watchdog::told(&[NotifyState::Status(&status)]);
        }
    };
    tell(error);
    announce(listening.address())?;
    let has_ended = StopToken::default();
    let serving = http::serve(
        listening.try_clone()?,
        waiting.router(),
        waiting.connections(),
        has_ended.stopped(),
        ready(()),
    );
    let starting = async {
        let started = start_when_there(&settings, trust, stop, tell).await;
        has_ended.stop();
        started
    };
    let feeding = watchdog::feed(listening.address(), &has_ended);
    let ((), (), started) = tokio::join!(serving, feeding, starting);
    let host = started?;
    if host.is_some() {
        outage.is_over(NoticedBy::Start);
        watchdog::told(&[NotifyState::Status("")]);
    }
    Ok(host.map(|host| Started {
        host,
        listening: Some(listening),
    }))
}

/// Tries again and again. `None` if the service is to stop.
async fn start_when_there(
    settings: &Settings,
    trust: PluginTrust,
    stop: &StopToken,
    tell: impl Fn(&StartError),
) -> anyhow::Result<Option<Host>> {
    loop {
        let settings = settings.clone();
        let trying = async {
            sleep(PAUSE).await;
            spawn_blocking(move || try_to_start(settings, trust)).await
        };
        let tried = tokio::select! {
            tried = trying => tried?,
            () = stop.stopped() => return Ok(None),
        };
        match tried {
            Ok(host) => return Ok(Some(host)),
            Err(error) if error.is_outage() => tell(&error),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Asks the database first, because a start reads the plugins before.
fn try_to_start(settings: Settings, trust: PluginTrust) -> Result<Host, StartError> {
    if let Some(address) = settings.state.address() {
        check_admission(address).map_err(|error| StateError::NotAdmitted(Box::new(error)))?;
    }
    Host::start(settings, trust, TriedReports::All)
}

/// How long it may take from one attempt to the end of the next one.
fn pause_of(settings: &Settings) -> Duration {
    let address = settings.state.address();
    PAUSE + address.map_or(Duration::ZERO, |address| address.connect_timeout)
}

fn announce(address: SocketAddr) -> io::Result<()> {
    output::print(format!(
        "session-host waits for PostgreSQL, and serves its health at http://{address}"
    ))?;
    io::stdout().flush()?;
    tracing::info!(%address, "serving health while PostgreSQL is out of reach");
    watchdog::told(&[NotifyState::Ready]);
    Ok(())
}
