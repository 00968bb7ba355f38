//! The service's work besides its runs: it checks health, prunes the audit log, checkpoints schema changes, and writes
//! snapshots.
//!
//! # Threads
//! One task does it at every tick. Each check runs in its own blocking thread, which may hang in a mount that does not
//! answer; at shutdown the task abandons it. A snapshot has a blocking thread, too, because health must not wait for it.

mod among_others;
mod observation;
mod snapshots;
mod surroundings;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use session_plugin_api::Timestamp;

use self::{observation::observe, snapshots::Snapshots};
use crate::{
    clock,
    health::{HealthBoard, ObservedProcessor},
    host::Host,
    names::ProcessorName,
    runner::StopToken,
    scheduler::Scheduler,
    state::Mended,
};

type Observations = BTreeMap<ProcessorName, ObservedProcessor>;

/// Checks take at most one part in `SHARE` of the time, because a large tree takes long to scan.
const SHARE: u32 = 10;

/// How often old entries of the audit log are removed.
const PRUNING: Duration = Duration::from_secs(3600);

/// Checks health every `tick_seconds` and prunes the audit log every hour, until shutdown.
pub async fn keep_up(host: &Arc<Host>, scheduler: &Arc<Scheduler>, health: &Arc<HealthBoard>, stop: &StopToken) {
    let mut pruned_at: Option<Instant> = None;
    let mut snapshots = Snapshots::default();
    while stop.stopped_at().is_none() {
        let prunes = pruned_at.is_none_or(|at| at.elapsed() >= PRUNING) && host.does_chores();
        if prunes {
            pruned_at = Some(Instant::now());
        }
        snapshots.take_if_due(host);
        let (host, scheduler, health) = (Arc::clone(host), Arc::clone(scheduler), Arc::clone(health));
        let ending = stop.clone();
        let tick = host.settings().service.tick;
        let began = Instant::now();
        let checking = tokio::task::spawn_blocking(move || {
            recover(&host, &ending);
            observe(&host, &scheduler, &health);
            host.state().settle_schema();
            host.catalogue()
                .processors()
                .for_each(|processor| processor.end_idle_workers());
            if prunes {
                prune(&host);
            }
            host.state().outage().is_some_and(|outage| outage.is_under_way())
        });
        // A check that hangs in a mount that does not answer must not delay shutdown.
        let checked = tokio::select! {
            checked = checking => checked,
            () = stop.stopped() => return,
        };
        let pause = match checked {
            // The check waited for PostgreSQL, and the next one is to see when that is back.
            Ok(true) => tick,
            Ok(false) => pause(tick, began.elapsed()),
            Err(panic) => {
                tracing::error!("the health check panicked: {panic}; please report this bug in session-host");
                pause(tick, began.elapsed())
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.stopped() => {}
        }
    }
}

/// Reopens a closed state; ends the service if something holds the state for too long.
fn recover(host: &Host, ending: &StopToken) {
    const TICKS: u32 = 4;
    match host.state().recover() {
        Mended::Waits(since) if since >= host.settings().service.tick * TICKS => {
            tracing::error!(
                "shutting down: the state was closed {} s ago, and an attempt or a query still holds it",
                since.as_secs()
            );
            ending.stop();
        }
        Mended::WasOpen | Mended::Reopened | Mended::Waits(_) | Mended::Failed => {}
    }
}

/// How long to wait after a check of this duration.
fn pause(tick: Duration, check: Duration) -> Duration {
    tick.max(check * SHARE)
}

fn prune(host: &Host) {
    let kept = i64::try_from(host.settings().service.audit_retention.as_micros()).unwrap_or(i64::MAX);
    let before = Timestamp::from_micros(clock::now().as_micros().saturating_sub(kept));
    match host.state().prune_audit_log(before) {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed old entries of the audit log"),
        Err(error) if error.is_outage() => {}
        Err(error) => tracing::error!("cannot prune the audit log: {error}"),
    }
}
