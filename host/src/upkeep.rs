//! What a service does beside its runs: looks at its health, and keeps the audit log and the log of changes short.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use session_plugin_api::Timestamp;

use crate::{
    clock,
    health::{HealthBoard, Hindrance, Observed, ObservedProcessor, Warning, WarningKind},
    host::Host,
    names::{ProcessorName, SessionKey},
    plugins::{Catalogue, NewerFile, PluginListing, PluginStatus},
    runner::{StopToken, backlog},
    scheduler::{Cadence, Scheduler},
    sessions::ScanError,
    state::{Outcome, ProcessorStatus, SessionState, StateError},
};

type Observations = BTreeMap<ProcessorName, ObservedProcessor>;

/// Why the health cannot be observed.
#[derive(Debug, thiserror::Error)]
enum ObservationError {
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error(transparent)]
    State(#[from] StateError),
}

/// Of how many parts of the time at most one is spent looking: a large tree takes long to scan.
const SHARE: u32 = 10;

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
        let began = Instant::now();
        let looking = tokio::task::spawn_blocking(move || {
            observe(&host, &scheduler, &health);
            host.state().settle_schema();
            if prunes {
                prune(&host);
            }
        });
        // A look that hangs, in a mount that does not answer, does not hold the end up.
        let looked = tokio::select! {
            looked = looking => looked,
            () = stop.stopped() => return,
        };
        if let Err(panic) = looked {
            tracing::error!("the look at the health panicked, which is a fault of the host: {panic}");
        }
        tokio::select! {
            () = tokio::time::sleep(pause(tick, began.elapsed())) => {}
            () = stop.stopped() => {}
        }
    }
}

/// How long to wait after a look that took so long.
fn pause(tick: Duration, look: Duration) -> Duration {
    tick.max(look * SHARE)
}

fn observe(host: &Host, scheduler: &Scheduler, health: &HealthBoard) {
    let began = Instant::now();
    match observed(host, scheduler, health.observed_since()) {
        Ok(processors) => {
            let backlogs = processors
                .iter()
                .map(|(name, processor)| (name, processor.backlog, processor.failing));
            host.metrics().set_backlogs(backlogs);
            let pause = pause(host.settings().service.tick, began.elapsed());
            health.put_up(clock::now(), processors, warnings(host), pause);
        }
        // It is stale before long, which is a warning.
        Err(error) => tracing::error!("the health cannot be observed: {error}"),
    }
    let catalogue = host.catalogue();
    host.metrics()
        .set_plugins(catalogue.files().iter().map(|file| file.status.label()));
}

fn observed(host: &Host, scheduler: &Scheduler, since: Timestamp) -> Result<Observations, ObservationError> {
    let transcripts = host.scanner().scan()?;
    let reader = host.state().reader()?;
    let statuses = reader.status()?;
    let last_runs = reader.last_runs()?;
    // A transcript that is dated in the future was not written later than now.
    let newest = transcripts.iter().map(|transcript| transcript.modified).max();
    let newest_transcript = newest.map(|newest| newest.min(clock::now()));
    let mut observations = Observations::new();
    for file in host.catalogue().files() {
        let Some(name) = file.status.name() else { continue };
        let processor = file.status.processor();
        let states = reader.sessions(name)?;
        let output_version = processor.map_or(0, |processor| processor.descriptor().version_of_output());
        let backlog = backlog(&transcripts, &states, output_version);
        let status = statuses.iter().find(|status| status.processor == name.as_str());
        let observed = Observed {
            cadence: scheduler
                .cadence(name)
                .map_or(Duration::ZERO, |cadence| distance_of(&cadence)),
            stuck_file_grace: host.settings().service.stuck_file_grace,
            observed_since: since,
            last_run: last_runs.get(name.as_str()).copied(),
            last_processed: states.values().map(|state| state.processed_at).max(),
            last_checked: last_checked(&states, succeeded_at(status, &last_runs)),
            newest_transcript,
            oldest_unprocessed: backlog.oldest,
            hindrance: hindrance(host, &file.status),
        };
        let processor = ObservedProcessor {
            observed,
            backlog: backlog.sessions,
            failing: status.map_or(0, |status| u64::try_from(status.failing).unwrap_or(0)),
        };
        observations.insert(name.clone(), processor);
    }
    Ok(observations)
}

/// When the last run began, if it left nothing behind.
fn succeeded_at(status: Option<&ProcessorStatus>, last_runs: &HashMap<String, Timestamp>) -> Option<Timestamp> {
    let status = status?;
    let succeeded = status.last_outcome.as_deref() == Some(Outcome::Success.as_str());
    succeeded.then(|| last_runs.get(&status.processor).copied()).flatten()
}

/// When transcripts were last found to be processed.
fn last_checked(states: &HashMap<SessionKey, SessionState>, succeeded: Option<Timestamp>) -> Option<Timestamp> {
    let checked = states.values().map(SessionState::last_checked);
    checked.chain(succeeded).max()
}

/// How far its due moments lie apart at most: over the night, or a weekend.
fn distance_of(cadence: &Cadence) -> Duration {
    const WEEK: i64 = 7 * 86_400_000_000;
    let now = clock::now();
    let mut longest = 0;
    let mut latest = cadence.next_after(now);
    while let Some(moment) = latest.filter(|moment| moment.as_micros() - now.as_micros() <= WEEK) {
        let next = cadence.next_after(moment);
        longest = longest.max(next.map_or(0, |next| next.as_micros() - moment.as_micros()));
        latest = next;
    }
    Duration::from_micros(u64::try_from(longest).unwrap_or(0))
}

fn hindrance(host: &Host, status: &PluginStatus) -> Option<Hindrance> {
    let is_configured = |name: &ProcessorName| host.settings().processors.contains_key(name.as_str());
    match status {
        PluginStatus::Unavailable { name, reason } if is_configured(name) => {
            Some(Hindrance::Unavailable { reason: reason.clone() })
        }
        PluginStatus::Unavailable { .. } => Some(Hindrance::NotConfigured),
        status => {
            let session = status.processor()?.wedged_by()?;
            Some(Hindrance::Wedged { session })
        }
    }
}

/// What concerns the whole service.
fn warnings(host: &Host) -> Vec<Warning> {
    let folder = host.scanner().folder();
    let missing = (!folder.is_dir()).then(|| {
        let message = format!(
            "the sessions directory {} is not there: mount or make it, or correct the setting `sessions`",
            folder.display()
        );
        Warning::new(WarningKind::Missing, message)
    });
    missing.into_iter().chain(rejected(&host.catalogue())).collect()
}

/// Files that are not taken, also where an earlier one stays in service in their place.
fn rejected(catalogue: &Catalogue) -> Vec<Warning> {
    let refused = catalogue
        .files()
        .iter()
        .filter(|file| match (&file.status, &file.newer) {
            (PluginStatus::Rejected { .. }, _) => true,
            (_, newer) => matches!(newer, Some(NewerFile::Refused { .. })),
        });
    let listings = refused.map(PluginListing::from);
    let told = listings.map(|file| {
        let reason = file.reason.unwrap_or_default();
        Warning::new(
            WarningKind::Rejected,
            format!("the plugin {} is not taken: {reason}", file.file),
        )
    });
    told.collect()
}

fn prune(host: &Host) {
    let kept = i64::try_from(host.settings().service.audit_retention.as_micros()).unwrap_or(i64::MAX);
    let before = Timestamp::from_micros(clock::now().as_micros().saturating_sub(kept));
    match host.state().prune_audit_log(before) {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed old entries of the audit log"),
        Err(error) => tracing::error!("the audit log is not pruned: {error}"),
    }
}
