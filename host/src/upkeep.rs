//! What a service does beside its runs: looks at its health, and keeps the audit log short.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use session_plugin_api::Timestamp;

use crate::{clock, health::HealthBoard, host::Host, runner::StopToken, scheduler::Scheduler};

/// How often old entries of the audit log are removed.
const PRUNING: Duration = Duration::from_secs(3600);

/// Looks at the health at every tick, and prunes the audit log, until the end is wished.
pub async fn keep_up(host: &Arc<Host>, scheduler: &Arc<Scheduler>, health: &Arc<HealthBoard>, stop: &StopToken) {
    let mut pruned_at: Option<Instant> = None;
    while stop.stopped_at().is_none() {
        let prunes = pruned_at.is_none_or(|at| at.elapsed() >= PRUNING);
        if prunes {
            pruned_at = Some(Instant::now());
        }
        let (host, scheduler, health) = (Arc::clone(host), Arc::clone(scheduler), Arc::clone(health));
        let tick = host.settings().service.tick;
        let looking = tokio::task::spawn_blocking(move || {
            observe(&host, &scheduler, &health);
            if prunes {
                prune(&host);
            }
        });
        if let Err(panic) = looking.await {
            tracing::error!("the look at the health panicked, which is a fault of the host: {panic}");
        }
        tokio::select! {
            () = tokio::time::sleep(tick) => {}
            () = stop.stopped() => {}
        }
    }
}

fn observe(_host: &Host, _scheduler: &Scheduler, _health: &HealthBoard) {}

fn prune(host: &Host) {
    let kept = i64::try_from(host.settings().service.audit_retention.as_micros()).unwrap_or(i64::MAX);
    let before = Timestamp::from_micros(clock::now().as_micros().saturating_sub(kept));
    match host.state().prune_audit_log(before) {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed old entries of the audit log"),
        Err(error) => tracing::error!("the audit log is not pruned: {error}"),
    }
}
