//! `session-host serve`.
//!
//! # Threads
//! The runtime's two threads serve connections and run the timers. Runs, reloads and work that waits for the disk have
//! their own threads. At its end the process does not wait for threads that hang in a plugin.

use std::{
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::Router;
use sd_notify::NotifyState;

use super::{
    Exit, complained,
    output::{self, UsageError},
    signals::ServiceSignals,
    waiting::{self, Started},
    watchdog,
};
use crate::{
    alerts::{self, Alerts},
    clock,
    config::{PageSecrets, Settings, TokenSource},
    health::HealthBoard,
    host::Host,
    http::{self, Listening, Service},
    plugins::PluginTrust,
    process,
    runner::StopToken,
    scheduler::Scheduler,
    threads,
    upkeep::keep_up,
    web,
};

/// How much longer the rest may take to end than the attempts in flight.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long the last checkpoint may take before the watchdog ends the service.
const LAST_CHECKPOINT: Duration = Duration::from_secs(300);

/// The page that the service serves.
struct Page {
    /// How long a sign-in lasts.
    visit: Duration,
    secrets: PageSecrets,
}

/// Runs the scheduler and the HTTP interface until a signal ends them.
pub(super) fn serve(settings: Settings, trust: PluginTrust) -> anyhow::Result<Exit> {
    let address = settings.service.listen;
    let source = settings.service.token.clone();
    refuse_an_open_door(address, &source)?;
    // An invalid token must stop the start before anything is opened.
    source.find()?;
    let grace = settings.limits.shutdown_grace + LAST_WORDS;
    let alerts = Arc::new(Alerts::new(&settings)?);
    let signals = ServiceSignals::default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("http")
        .thread_stack_size(threads::STACK)
        .on_thread_start(threads::take_up_the_log)
        .enable_all()
        .build()?;
    let Some(Started { host, listening }) = waiting::start(settings, trust, &runtime, &signals)? else {
        tracing::info!("service stopped before it could start");
        io::stdout().flush()?;
        // An attempt to start may still wait for the database.
        process::end_at_once(Exit::Done as i32)
    };
    let host = Arc::new(host);
    let token = source.find_or_make()?;
    let page = match host.settings().service.page {
        Some(visit) => Some(Page {
            visit,
            secrets: PageSecrets::start(&host.settings().data)?,
        }),
        None => None,
    };
    if !source.is_configured() {
        tracing::info!("no token is configured: the admin interface requires the token in {source}");
    }
    let service = Service {
        scheduler: Arc::new(Scheduler::new(&host)?),
        health: Arc::new(HealthBoard::new(clock::now(), host.settings().service.tick)),
        alerts,
        metrics: host.metrics().clone(),
        stop: signals.stop().clone(),
        queries: http::Queries::default(),
        token: Arc::new(RwLock::new(token)),
        host,
    };
    signals.reload_by(reload(&service, page.as_ref()));
    signals.listen()?;
    runtime.block_on(run(&service, page, listening, address, grace))?;
    // Do not wait for blocking work that still waits for the disk.
    runtime.shutdown_background();
    end(&service, grace)
}

/// An address that other machines can reach requires a token that the operator configured.
fn refuse_an_open_door(address: SocketAddr, token: &TokenSource) -> Result<(), UsageError> {
    match address.ip().is_loopback() || token.is_configured() {
        true => Ok(()),
        false => Err(UsageError(format!(
            "other machines can reach {address}, but no token is configured: set SESSION_HOST_API_TOKEN or api_token_file, or listen on 127.0.0.1"
        ))),
    }
}

async fn run(
    service: &Service,
    page: Option<Page>,
    listening: Option<Listening>,
    address: SocketAddr,
    grace: Duration,
) -> anyhow::Result<()> {
    let listening = match listening {
        Some(listening) => listening,
        None => listen(address).await?,
    };
    let served_at = listening.address();
    announce(service, page.as_ref(), served_at)?;
    let pages = page.map_or_else(Router::new, |page| {
        web::pages(service.clone(), page.visit, page.secrets)
    });
    let router = http::router(service.clone(), pages);
    let Service {
        host,
        scheduler,
        health,
        alerts,
        metrics,
        stop,
        ..
    } = service;
    let serving = http::serve(
        listening,
        router,
        metrics.connections(),
        stop.stopped(),
        runs_end(host, grace),
    );
    tokio::join!(
        serving,
        tell_of_the_end(stop, grace),
        watchdog::feed(served_at, stop),
        scheduler.keep(host, stop),
        keep_up(host, scheduler, health, stop),
        alerts::keep(alerts, host, stop)
    );
    Ok(())
}

/// Listens on an address.
pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<Listening> {
    let listening = Listening::on(address).await;
    listening.map_err(|error| cannot_listen(address, &error))
}

/// An address in use may become free soon, and one that the machine does not have yet may appear: in both cases the
/// service should be restarted.
fn cannot_listen(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let text = format!("cannot listen on {address}: {error}; choose another address with --listen");
    match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable => anyhow::Error::msg(text),
        _ => UsageError(text).into(),
    }
}

/// Tells systemd when shutdown begins: connections, then runs, may each take the grace period, then the last checkpoint.
async fn tell_of_the_end(stop: &StopToken, grace: Duration) {
    stop.stopped().await;
    watchdog::tell_of_the_end(2 * grace + LAST_CHECKPOINT);
}

/// Waits until no run is under way. It starts no thread, because none can start while the constructor of a library runs.
async fn runs_end(host: &Arc<Host>, grace: Duration) {
    const LOOK_AGAIN: Duration = Duration::from_millis(20);
    let ended = async {
        while !host.waits_for_runs(Duration::ZERO) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    // `end` logs a run that does not end.
    let _ = tokio::time::timeout(grace, ended).await;
}

fn announce(service: &Service, page: Option<&Page>, address: SocketAddr) -> anyhow::Result<()> {
    output::print(format!("session-host serves http://{address}"))?;
    // A log or another program must not get the link, because it lets anyone in.
    if let Some(page) = page.filter(|_| io::stdout().is_terminal()) {
        let link = web::sign_in_link(address, &page.secrets, &service.token())?;
        output::print(format!("open within ten minutes, once: {link}"))?;
    }
    io::stdout().flush()?;
    tracing::info!(%address, "serving");
    watchdog::told(&[NotifyState::Ready]);
    Ok(())
}

/// What SIGHUP does.
fn reload(service: &Service, page: Option<&Page>) -> impl Fn() + Send + Sync + 'static {
    let (service, secrets) = (service.clone(), page.map(|page| page.secrets.clone()));
    move || {
        if let Some(Err(error)) = secrets.as_ref().map(PageSecrets::read_again) {
            tracing::error!("the secret of the page stays unchanged: {error}");
        }
        match service.host.settings().service.token.find_or_make() {
            Ok(token) => *service.token.write().unwrap_or_else(PoisonError::into_inner) = token,
            Err(error) => tracing::error!("the token stays unchanged: {error}"),
        }
        match service.scheduler.reload_plugins(&service.host) {
            Ok(_) => tracing::info!("reloaded the plugins and the token"),
            Err(error) => tracing::error!("the plugins stay unchanged: {error}"),
        }
    }
}

fn end(service: &Service, grace: Duration) -> anyhow::Result<Exit> {
    if !service.host.waits_for_runs(grace) {
        tracing::error!("a run does not end: the next run repeats what it has not committed");
    }
    let exit = match service.host.end() {
        Ok(()) => {
            tracing::info!("service stopped; all committed data is in the state file");
            Exit::Done
        }
        Err(error) if error.is_fatal() => complained(&error.into()),
        Err(error) => {
            tracing::warn!(%error, "the checkpoint failed; committed data is safe in the WAL beside the state file");
            Exit::Done
        }
    };
    io::stdout().flush()?;
    // Threads may hang in a plugin: exit without running destructors that they could still depend on.
    process::end_at_once(exit as i32)
}
