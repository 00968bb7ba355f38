//! Feeds systemd's watchdog as long as the service answers.

use std::{net::SocketAddr, time::Duration};

use http_body_util::Full;
use hyper::{Request, body::Bytes};
use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::client::exchange;
use crate::{http::own_address::reachable, runner::StopToken};

/// After how many consecutive unanswered requests systemd ends the service.
const CHANCES: u32 = 4;

/// Requests the service's health through its own listener, as any client does, and feeds the watchdog at each answer.
/// If the service accepts no connection or routes no request, the feeding stops. It also stops at shutdown.
pub(super) async fn feed(listening: SocketAddr, stop: &StopToken) {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return;
    };
    let (own, pause) = (reachable(listening), limit / CHANCES);
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.stopped() => return,
        }
        match timeout(pause, answers(own)).await {
            Ok(Ok(())) => told(&[NotifyState::Watchdog]),
            Ok(Err(reason)) => tracing::error!("the service does not answer its own request: {reason}"),
            Err(_) => tracing::error!("the service does not answer its own request within {pause:?}"),
        }
    }
}

/// Tells systemd that the service is stopping and answers nobody meanwhile, for at most `patience`.
pub(super) fn tell_of_the_end(patience: Duration) {
    match sd_notify::watchdog_enabled() {
        Some(_) => {
            let patience = u32::try_from(patience.as_micros()).unwrap_or(u32::MAX);
            told(&[NotifyState::Stopping, NotifyState::WatchdogUsec(patience)]);
        }
        None => told(&[NotifyState::Stopping]),
    }
}

/// Notifies systemd, if it listens.
pub(super) fn told(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot notify systemd of the service's status: {error}");
    }
}

async fn answers(own: SocketAddr) -> Result<(), String> {
    let request = Request::get("/api/health").body(Full::<Bytes>::default());
    let request = request.map_err(|error| error.to_string())?;
    match exchange(own, request).await {
        Ok((status, _)) if status.is_success() => Ok(()),
        Ok((status, _)) => Err(format!("status {status}")),
        Err(error) => Err(error.to_string()),
    }
}
