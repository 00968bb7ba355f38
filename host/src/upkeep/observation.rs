//! Observes the processors and their surroundings.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use session_plugin_api::Timestamp;

use super::{Observations, among_others, pause, surroundings};
use crate::{
    clock,
    cluster::{Bucket, Lag, Part},
    health::{HealthBoard, Hindrance, Observed, ObservedProcessor, Warning},
    host::Host,
    metrics::ObservedSessions,
    names::{ProcessorName, SessionKey},
    plugins::{Catalogue, PluginFile, PluginStatus},
    runner::{Backlog, Retries, backlog},
    scheduler::{Cadence, Scheduler},
    sessions::{Scan, Transcript},
    state::{Outcome, Pauses, ProcessorStatus, Reader, SessionState, StateError, StateFiles},
};

/// Observes everything that health reports, and publishes it. Whatever cannot be observed causes a warning. The earlier
/// observations of the processors stay until they can be observed again.
pub(super) fn observe(host: &Host, scheduler: &Scheduler, health: &HealthBoard) {
    let began = Instant::now();
    let scan = host.scanner().scan();
    let files = files_of_the_state(host);
    let mut warnings = surroundings::warnings(host, &scan, files.as_ref());
    let unreadable = scan.as_ref().map_or(1, |scan| scan.unreadable.len() as u64);
    let observed = scan
        .ok()
        .map(|scan| observed(host, scheduler, health.observed_since(), &scan));
    let observations = match observed {
        Some(Ok((observations, emptied))) => {
            warnings.extend(emptied);
            observations
        }
        None => as_before(host, scheduler, health),
        Some(Err(error)) => {
            if !error.is_outage() {
                tracing::error!("cannot observe the processors: {error}");
            }
            warnings.push(surroundings::unanswering(host, &error));
            as_before(host, scheduler, health)
        }
    };
    warnings.extend(among_others::observe(host, &observations));
    let metrics = host.metrics();
    let pauses = host.pauses();
    metrics.set_sessions(
        observations
            .iter()
            .filter_map(|(name, processor)| told_in_metrics(name, processor, &pauses)),
    );
    metrics.set_surroundings(unreadable, files.as_ref());
    let catalogue = host.catalogue();
    metrics.set_plugins(catalogue.files().iter().map(|file| file.status.label()));
    let pause = pause(host.settings().service.tick, began.elapsed());
    health.put_up(clock::now(), observations, warnings, pause);
}

fn files_of_the_state(host: &Host) -> Option<StateFiles> {
    let files = host.state().files();
    files
        .inspect_err(|error| tracing::error!("cannot observe the disk of the state: {error}"))
        .ok()
        .flatten()
}

/// The earlier observations, with current hindrances, which are known without the state.
fn as_before(host: &Host, scheduler: &Scheduler, health: &HealthBoard) -> Observations {
    let mut before = health.processors();
    let catalogue = host.catalogue();
    let named = named_files(&catalogue).map(|(name, file)| {
        let known = before.remove(name);
        let bare = unobserved(host, scheduler, health.observed_since(), name, file);
        let processor = match known {
            None => bare,
            Some(known) => ObservedProcessor {
                observed: Observed {
                    hindrance: bare.observed.hindrance,
                    ..known.observed
                },
                ..known
            },
        };
        (name.clone(), processor)
    });
    named.collect()
}

fn named_files(catalogue: &Catalogue) -> impl Iterator<Item = (&ProcessorName, &PluginFile)> {
    let files = catalogue.files().iter();
    files.filter_map(|file| Some((file.status.name()?, file)))
}

/// The facts about a processor that are known without reading the state and the transcripts.
fn unobserved(
    host: &Host,
    scheduler: &Scheduler,
    since: Timestamp,
    name: &ProcessorName,
    file: &PluginFile,
) -> ObservedProcessor {
    let cadence = scheduler.cadence(name);
    let observed = Observed {
        cadence: cadence.map_or(Duration::ZERO, |cadence| distance_of(&cadence)),
        stuck_file_grace: host.settings().service.stuck_file_grace,
        observed_since: since,
        last_run: None,
        last_processed: None,
        last_checked: None,
        newest_transcript: None,
        oldest_unprocessed: None,
        failed_run: None,
        all_failed: None,
        quarantined: 0,
        paused: false,
        hindrance: hindrance(host, &file.status),
    };
    ObservedProcessor {
        observed,
        backlog: 0,
        lags: BTreeMap::new(),
        failing: 0,
        waiting: 0,
        unrecognised: 0,
        unreadable_lines: 0,
    }
}

fn told_in_metrics(
    name: &ProcessorName,
    processor: &ObservedProcessor,
    pauses: &Pauses,
) -> Option<(ProcessorName, ObservedSessions)> {
    let sessions = ObservedSessions {
        waiting: processor.backlog,
        failing: processor.failing,
        quarantined: processor.observed.quarantined,
        paused: pauses.contains_key(name.as_str()),
        unrecognised: processor.unrecognised,
        unreadable_lines: processor.unreadable_lines,
        last_success: processor.observed.last_checked,
    };
    // Nobody wants a processor to run that needs a configuration and has none.
    let is_wanted = processor.observed.hindrance != Some(Hindrance::NotConfigured);
    is_wanted.then(|| (name.clone(), sessions))
}

/// The facts about all processors, from the state and the scan.
struct Look<'a> {
    host: &'a Host,
    scheduler: &'a Scheduler,
    since: Timestamp,
    transcripts: &'a [Transcript],
    newest_transcript: Option<Timestamp>,
    reader: Reader,
    statuses: Vec<ProcessorStatus>,
    last_runs: HashMap<String, Timestamp>,
}

/// The observations of the processors, and a warning if the sessions directory has lost its transcripts.
fn observed(
    host: &Host,
    scheduler: &Scheduler,
    since: Timestamp,
    scan: &Scan,
) -> Result<(Observations, Option<Warning>), StateError> {
    // A transcript dated in the future was still written no later than now.
    let newest = scan.transcripts.iter().map(|transcript| transcript.modified).max();
    let reader = host.state().reader()?;
    let look = Look {
        host,
        scheduler,
        since,
        transcripts: &scan.transcripts,
        newest_transcript: newest.map(|newest| newest.min(clock::now())),
        statuses: reader.status()?,
        last_runs: reader.last_runs()?,
        reader,
    };
    let observations: Result<Observations, StateError> = named_files(&host.catalogue())
        .map(|(name, file)| Ok((name.clone(), look.at(name, file)?)))
        .collect();
    Ok((observations?, surroundings::emptied(host, scan, &look.statuses)))
}

impl Look<'_> {
    fn at(&self, name: &ProcessorName, file: &PluginFile) -> Result<ObservedProcessor, StateError> {
        let unobserved = unobserved(self.host, self.scheduler, self.since, name, file);
        let states = self.reader.sessions(name)?;
        let (backlog, lags) = match unobserved.observed.hindrance {
            Some(Hindrance::NotConfigured) => Default::default(),
            _ => self.backlog(name, file, &states)?,
        };
        let status = self.statuses.iter().find(|status| status.processor == name.as_str());
        let under_way = self.host.run_under_way(name);
        let all_failed = self.reader.all_failed(name, under_way.map(|run| run.started_at))?;
        let observed = Observed {
            last_run: self.last_runs.get(name.as_str()).copied(),
            last_processed: states.values().map(|state| state.processed_at).max(),
            last_checked: last_checked(&states, succeeded_at(status, &self.last_runs)),
            newest_transcript: self.newest_transcript,
            oldest_unprocessed: backlog.oldest,
            all_failed: all_failed.map(|failed| failed.sessions),
            quarantined: backlog.quarantined,
            ..unobserved.observed
        };
        let counted =
            |count: fn(&ProcessorStatus) -> i64| status.map_or(0, |status| u64::try_from(count(status)).unwrap_or(0));
        Ok(ObservedProcessor {
            observed,
            backlog: backlog.sessions,
            lags,
            failing: counted(|status| status.failing),
            waiting: backlog.waiting,
            unrecognised: counted(|status| status.unrecognised),
            unreadable_lines: counted(|status| status.unreadable_lines),
        })
    }
}

impl Look<'_> {
    /// What waits here, and what of it in each bucket if several hosts may share the state.
    fn backlog(
        &self,
        name: &ProcessorName,
        file: &PluginFile,
        states: &HashMap<SessionKey, SessionState>,
    ) -> Result<(Backlog, BTreeMap<Bucket, Lag>), StateError> {
        let plugin = file.status.processor().map(|processor| processor.version());
        let retries = Retries {
            failing: &self.reader.failing(name)?,
            policy: &self.host.settings().limits.retry,
            plugin,
            now: clock::now(),
        };
        let output_version = plugin.map_or(0, |plugin| plugin.output);
        let Some(cluster) = self.host.cluster() else {
            let backlog = backlog(self.transcripts, states, output_version, &retries);
            return Ok((backlog, BTreeMap::new()));
        };
        let mut whole = Backlog::default();
        let mut lags = BTreeMap::new();
        for (bucket, transcripts) in by_bucket(self.transcripts, &cluster.part(name)) {
            let backlog = backlog(transcripts, states, output_version, &retries);
            whole = whole.and(&backlog);
            let sessions = backlog.sessions;
            lags.extend(backlog.oldest.map(|oldest| (bucket, Lag { sessions, oldest })));
        }
        Ok((whole, lags))
    }
}

/// The transcripts of a part. What other hosts own waits for them.
fn by_bucket<'a>(transcripts: &'a [Transcript], part: &Part) -> BTreeMap<Bucket, Vec<&'a Transcript>> {
    let mut buckets = BTreeMap::<Bucket, Vec<&Transcript>>::new();
    for transcript in transcripts {
        if let Some(bucket) = part.bucket(&transcript.session) {
            buckets.entry(bucket).or_default().push(transcript);
        }
    }
    buckets
}

/// When the last run began, if it succeeded.
fn succeeded_at(status: Option<&ProcessorStatus>, last_runs: &HashMap<String, Timestamp>) -> Option<Timestamp> {
    let status = status?;
    let succeeded = status.last_outcome.as_deref() == Some(Outcome::Success.as_str());
    succeeded.then(|| last_runs.get(&status.processor).copied()).flatten()
}

/// When a session was last processed or found unchanged, or when the last successful run began.
fn last_checked(states: &HashMap<SessionKey, SessionState>, succeeded: Option<Timestamp>) -> Option<Timestamp> {
    let checked = states.values().map(SessionState::last_checked);
    checked.chain(succeeded).max()
}

/// The longest gap between its due moments, such as a night or a weekend.
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
        status => match (status.processor()?.wedged_by(), status.cannot_start()) {
            (Some(session), _) => Some(Hindrance::Wedged { session }),
            (None, Some(reason)) => Some(Hindrance::NotStarted { reason }),
            (None, None) => None,
        },
    }
}
