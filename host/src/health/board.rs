//! The latest observation, which readers get without waiting.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use serde::Serialize;
use session_plugin_api::Timestamp;

use super::{
    assessment::{Observed, assess},
    warning::{Warning, WarningKind},
};
use crate::{
    clock::text_of,
    cluster::{Bucket, Lag},
    host::RunListing,
    names::ProcessorName,
    state::{Pause, Pauses},
};

/// The latest observation. Readers never wait for a run, the writer or the disk.
#[derive(Debug)]
pub struct HealthBoard {
    observed_since: Timestamp,
    latest: RwLock<Arc<Observation>>,
}

#[derive(Debug, Default)]
struct Observation {
    checked_at: Option<Timestamp>,
    processors: BTreeMap<ProcessorName, ObservedProcessor>,
    warnings: Vec<Warning>,
    /// How long after it the next one should begin.
    pause: Duration,
}

/// An observed processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedProcessor {
    /// The observations that its health is assessed from.
    pub observed: Observed,
    /// How many sessions wait to be processed.
    pub backlog: u64,
    /// What waits in each bucket of this host; nothing if the state cannot be shared.
    pub lags: BTreeMap<Bucket, Lag>,
    /// How many sessions' last attempts failed.
    pub failing: u64,
    /// How many of these wait for their next attempt.
    pub waiting: u64,
    /// How many transcripts hold no known record.
    pub unrecognised: u64,
    /// How many lines of transcripts could not be read.
    pub unreadable_lines: u64,
}

/// The health of the whole service, as the interface shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// `ok`, or `degraded` if there is any warning.
    pub status: &'static str,
    /// The version of the host.
    pub version: &'static str,
    /// How long the service has run.
    pub uptime_seconds: u64,
    /// When health was last checked, RFC 3339 in UTC; null right after the start.
    pub checked_at: Option<String>,
    /// The warnings that concern the whole service.
    pub warnings: Vec<Warning>,
    /// Each processor.
    pub processors: BTreeMap<String, ProcessorHealth>,
}

/// The health of one processor.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessorHealth {
    /// `ok` or `warning`.
    pub status: &'static str,
    /// Its warnings.
    pub warnings: Vec<Warning>,
    /// When its last run began.
    pub last_run_at: Option<String>,
    /// When the latest of its sessions was processed.
    pub last_processed_at: Option<String>,
    /// When the newest transcript was last written.
    pub newest_transcript_at: Option<String>,
    /// How many sessions wait to be processed.
    pub backlog: u64,
    /// How many sessions' last attempts failed.
    pub failing: u64,
    /// How many of these wait for their next attempt.
    pub waiting: u64,
    /// How many of these are in quarantine.
    pub quarantined: u64,
    /// Since when, by whom and why it is paused.
    pub paused: Option<Pause>,
    /// Its run under way.
    pub run: Option<RunListing>,
}

impl Health {
    /// Adds the runs under way now.
    #[must_use]
    pub fn with_runs(mut self, mut runs: BTreeMap<String, RunListing>) -> Self {
        for (name, processor) in &mut self.processors {
            processor.run = runs.remove(name);
        }
        self
    }

    /// Adds the state's current warning, in place of an earlier one about the state.
    #[must_use]
    pub fn with_state(mut self, warning: Warning) -> Self {
        self.warnings.retain(|earlier| earlier.kind != WarningKind::State);
        self.with_warning(warning)
    }

    /// Adds a warning that is known now but was not observed.
    #[must_use]
    pub fn with_warning(mut self, warning: Warning) -> Self {
        self.status = "degraded";
        self.warnings.push(warning);
        self
    }
}

impl HealthBoard {
    /// A board without an observation; it expects the first one after a `tick`.
    #[must_use]
    pub fn new(observed_since: Timestamp, tick: Duration) -> Self {
        let none_yet = Observation {
            pause: tick,
            ..Observation::default()
        };
        Self {
            observed_since,
            latest: RwLock::new(Arc::new(none_yet)),
        }
    }

    /// When the service began to observe.
    #[must_use]
    pub fn observed_since(&self) -> Timestamp {
        self.observed_since
    }

    /// Publishes a new observation, with the warnings of the whole service; the next one should follow after a `pause`.
    pub fn put_up(
        &self,
        checked_at: Timestamp,
        processors: BTreeMap<ProcessorName, ObservedProcessor>,
        warnings: Vec<Warning>,
        pause: Duration,
    ) {
        let observation = Arc::new(Observation {
            checked_at: Some(checked_at),
            processors,
            warnings,
            pause,
        });
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = observation;
    }

    /// The processors as they were last observed.
    #[must_use]
    pub fn processors(&self) -> BTreeMap<ProcessorName, ObservedProcessor> {
        self.latest().processors.clone()
    }

    fn latest(&self) -> Arc<Observation> {
        Arc::clone(&self.latest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The health at `now`, from the latest observation, and from what is known without a check: why runs have failed since,
    /// and which processors are paused.
    #[must_use]
    pub fn read(&self, now: Timestamp, failed_runs: &HashMap<String, String>, pauses: &Pauses) -> Health {
        let observation = self.latest();
        let processors: BTreeMap<String, ProcessorHealth> = observation
            .processors
            .iter()
            .map(|(name, processor)| {
                let failed_run = failed_runs.get(name.as_str()).cloned();
                let paused = pauses.get(name.as_str()).cloned();
                (name.to_string(), processor.health(failed_run, paused, now))
            })
            .collect();
        let warnings = self.warnings(&observation, now);
        let is_well = warnings.is_empty() && processors.values().all(|processor| processor.warnings.is_empty());
        Health {
            status: if is_well { "ok" } else { "degraded" },
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: seconds_between(self.observed_since, now),
            checked_at: observation.checked_at.map(text_of),
            warnings,
            processors,
        }
    }

    fn warnings(&self, observation: &Observation, now: Timestamp) -> Vec<Warning> {
        let looked = observation.checked_at.unwrap_or(self.observed_since);
        let age = seconds_between(looked, now);
        let stale = (age > patience(observation.pause).as_secs()).then(|| {
            let message = format!("health has not been checked for {age} s: see the log, and restart the service");
            Warning::new(WarningKind::Stale, message)
        });
        stale.into_iter().chain(observation.warnings.iter().cloned()).collect()
    }
}

/// How long the next observation may take to appear if it should begin after this pause.
fn patience(pause: Duration) -> Duration {
    const MISSED: u32 = 4;
    const LONG_LOOK: Duration = Duration::from_secs(120);
    pause.saturating_mul(MISSED).max(LONG_LOOK)
}

impl ObservedProcessor {
    fn health(&self, failed_run: Option<String>, paused: Option<Pause>, now: Timestamp) -> ProcessorHealth {
        let observed = Observed {
            failed_run,
            paused: paused.is_some(),
            ..self.observed.clone()
        };
        let warnings = assess(&observed, now);
        ProcessorHealth {
            status: if warnings.is_empty() { "ok" } else { "warning" },
            warnings,
            last_run_at: self.observed.last_run.map(text_of),
            last_processed_at: self.observed.last_processed.map(text_of),
            newest_transcript_at: self.observed.newest_transcript.map(text_of),
            backlog: self.backlog,
            failing: self.failing,
            waiting: self.waiting,
            quarantined: self.observed.quarantined,
            paused,
            run: None,
        }
    }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    let micros = to.as_micros().saturating_sub(from.as_micros());
    u64::try_from(micros / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn board() -> HealthBoard {
        HealthBoard::new(at(0), Duration::from_secs(100))
    }

    fn processor(oldest_unprocessed: Option<Timestamp>) -> BTreeMap<ProcessorName, ObservedProcessor> {
        let observed = Observed {
            cadence: Duration::from_secs(100),
            stuck_file_grace: None,
            observed_since: at(0),
            last_run: Some(at(50)),
            last_processed: Some(at(50)),
            last_checked: Some(at(50)),
            newest_transcript: Some(at(50)),
            oldest_unprocessed,
            failed_run: None,
            all_failed: None,
            quarantined: 0,
            paused: false,
            hindrance: None,
        };
        let processor = ObservedProcessor {
            observed,
            backlog: 1,
            lags: BTreeMap::new(),
            failing: 2,
            waiting: 1,
            unrecognised: 0,
            unreadable_lines: 0,
        };
        BTreeMap::from([("usage".parse().unwrap(), processor)])
    }

    fn put_up(
        board: &HealthBoard,
        at: Timestamp,
        processors: BTreeMap<ProcessorName, ObservedProcessor>,
        warnings: Vec<Warning>,
    ) {
        board.put_up(at, processors, warnings, Duration::from_secs(100));
    }

    #[test]
    fn one_warning_degrades_the_service() {
        let board = board();
        put_up(&board, at(1000), processor(None), Vec::new());
        assert_eq!(board.read(at(1000), &HashMap::new(), &Pauses::new()).status, "ok");
        put_up(&board, at(1000), processor(Some(at(10))), Vec::new());
        let health = board.read(at(1000), &HashMap::new(), &Pauses::new());
        assert_eq!(
            (health.status, health.processors["usage"].status),
            ("degraded", "warning")
        );
    }

    #[test]
    fn a_failed_run_causes_a_warning_without_another_check() {
        let board = board();
        put_up(&board, at(1000), processor(None), Vec::new());
        let failed = HashMap::from([("usage".to_owned(), "the disk is full".to_owned())]);
        let health = board.read(at(1000), &failed, &Pauses::new());
        let warning = &health.processors["usage"].warnings[0];
        assert_eq!((health.status, warning.kind), ("degraded", WarningKind::Failed));
    }

    #[test]
    fn a_pause_is_no_degradation() {
        let board = board();
        put_up(&board, at(1000), processor(Some(at(10))), Vec::new());
        let pause = Pause {
            reason: Some("its model is down".to_owned()),
            actor: "cli".to_owned(),
            paused_at: "1970-01-01T00:16:40Z".to_owned(),
        };
        let pauses = Pauses::from([("usage".to_owned(), pause.clone())]);
        let health = board.read(at(1000), &HashMap::new(), &pauses);
        assert_eq!((health.status, health.processors["usage"].status), ("ok", "ok"));
        assert_eq!(health.processors["usage"].paused, Some(pause));
    }

    #[test]
    fn a_warning_of_the_service_degrades_it() {
        let board = board();
        let warning = Warning::new(WarningKind::Rejected, "the plugin /plugins/broken.so is rejected");
        put_up(&board, at(1), BTreeMap::new(), vec![warning.clone()]);
        let health = board.read(at(1), &HashMap::new(), &Pauses::new());
        assert_eq!((health.status, health.warnings), ("degraded", vec![warning]));
    }

    #[test]
    fn an_old_observation_is_stale() {
        let board = board();
        assert_eq!(board.read(at(400), &HashMap::new(), &Pauses::new()).status, "ok");
        assert_eq!(
            board.read(at(401), &HashMap::new(), &Pauses::new()).warnings[0].kind,
            WarningKind::Stale
        );
        put_up(&board, at(1000), BTreeMap::new(), Vec::new());
        assert_eq!(board.read(at(1400), &HashMap::new(), &Pauses::new()).status, "ok");
        assert_eq!(
            board.read(at(1401), &HashMap::new(), &Pauses::new()).warnings[0].kind,
            WarningKind::Stale
        );
        board.put_up(at(1000), BTreeMap::new(), Vec::new(), Duration::from_secs(1000));
        assert_eq!(board.read(at(5000), &HashMap::new(), &Pauses::new()).status, "ok");
    }

    #[test]
    fn the_json_has_the_documented_shape() {
        let board = board();
        put_up(&board, at(60), processor(None), Vec::new());
        let expected = serde_json::json!({
            "status": "ok", "version": env!("CARGO_PKG_VERSION"), "uptime_seconds": 61,
            "checked_at": "1970-01-01T00:01:00Z", "warnings": [],
            "processors": {"usage": {
                "status": "ok", "warnings": [], "last_run_at": "1970-01-01T00:00:50Z",
                "last_processed_at": "1970-01-01T00:00:50Z", "newest_transcript_at": "1970-01-01T00:00:50Z",
                "backlog": 1, "failing": 2, "waiting": 1, "quarantined": 0, "paused": null, "run": null,
            }},
        });
        assert_eq!(
            serde_json::to_value(board.read(at(61), &HashMap::new(), &Pauses::new())).unwrap(),
            expected
        );
    }
}
