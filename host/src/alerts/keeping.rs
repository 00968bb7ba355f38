//! The service's alerts: evaluated and delivered at intervals.
//!
//! # Threads
//! Each evaluation and each round of deliveries runs in its own blocking thread. A round may outlast many evaluations, and
//! shutdown waits for neither.

use std::sync::Arc;

use super::Alerts;
use crate::{host::Host, runner::StopToken};

/// Evaluates and delivers the alerts every `check_seconds`, until shutdown.
pub async fn keep(alerts: &Arc<Alerts>, host: &Arc<Host>, stop: &StopToken) {
    let mut round: Option<tokio::task::JoinHandle<()>> = None;
    while stop.stopped_at().is_none() {
        let evaluating = in_background(alerts, host, |alerts, host| {
            if host.does_chores()
                && let Err(error) = alerts.evaluate(host)
                && !error.is_outage()
            {
                tracing::error!("cannot evaluate the alerts: {error}");
            }
        });
        let evaluated = tokio::select! {
            evaluated = evaluating => evaluated,
            () = stop.stopped() => return,
        };
        if let Err(panic) = evaluated {
            tracing::error!("the evaluation of alerts panicked: {panic}; please report this bug in session-host");
        }
        if round.as_ref().is_none_or(tokio::task::JoinHandle::is_finished) {
            round = Some(in_background(alerts, host, |alerts, host| {
                if host.does_chores()
                    && let Err(error) = alerts.deliver(host)
                    && !error.is_outage()
                {
                    tracing::error!("cannot deliver the alerts: {error}");
                }
            }));
        }
        tokio::select! {
            () = tokio::time::sleep(alerts.settings.check) => {}
            () = stop.stopped() => {}
        }
    }
}

fn in_background(
    alerts: &Arc<Alerts>,
    host: &Arc<Host>,
    work: impl FnOnce(&Alerts, &Host) + Send + 'static,
) -> tokio::task::JoinHandle<()> {
    let (alerts, host) = (Arc::clone(alerts), Arc::clone(host));
    tokio::task::spawn_blocking(move || work(&alerts, &host))
}
