//! Counters, histograms and gauges, in the text format of Prometheus.

mod alerts;
mod cluster;
mod connections;
mod gauges;
mod labels;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Registry, Unit},
};

pub use alerts::{AlertMetrics, DeliveryOutcome};
pub use cluster::ObservedCluster;
pub use connections::Connections;

use self::{
    cluster::ClusterMetrics,
    gauges::Gauges,
    labels::{OfProcessor, OfRequest, OfRun, OfSession},
};
use crate::{
    clock,
    names::ProcessorName,
    state::{Actor, DUCKDB, Encounters, Outcome, StateFiles},
};

pub use self::gauges::{CountedWarnings, ObservedSessions};

/// The content type of the text that [`Metrics::encode`] returns.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The host's metrics. Clones share them. Labels have few values: loaded processors, known routes, enumerations.
#[derive(Clone, Debug)]
pub struct Metrics {
    shared: Arc<Shared>,
}

type Timing<L> = Family<L, Histogram, fn() -> Histogram>;

#[derive(Debug)]
struct Shared {
    registry: Registry,
    runs: Family<OfRun, Counter>,
    run_durations: Timing<OfProcessor>,
    sessions: Family<OfSession, Counter>,
    items_extracted: Family<OfProcessor, Counter>,
    bytes_read: Family<OfProcessor, Counter>,
    attempt_durations: Timing<OfProcessor>,
    commit_durations: Timing<OfProcessor>,
    scan_durations: Histogram,
    gauges: Gauges,
    /// Allows one scrape at a time, so that each shows the warnings of its own moment.
    scraping: Mutex<()>,
    requests: Family<OfRequest, Counter>,
    request_durations: Timing<labels::OfRoute>,
    connections: Connections,
    alerts: AlertMetrics,
    cluster: ClusterMetrics,
}

/// How a session of a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionOutcome {
    /// Its rows are committed.
    Processed,
    /// It holds no known record.
    Unrecognised,
    /// It was unchanged.
    Skipped,
    /// It failed, with this kind of failure.
    Failed(crate::state::FailureKind),
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("session_host");
        register_process(&mut registry);
        let shared = Shared {
            runs: registered(&mut registry, "runs", "Runs that ended"),
            run_durations: timing(&mut registry, "run_duration", "Duration of runs", minutes),
            sessions: registered(&mut registry, "sessions", "Sessions by outcome"),
            items_extracted: registered(&mut registry, "items", "Items that processors extracted"),
            bytes_read: registered(&mut registry, "transcript_bytes", "Bytes of transcripts read"),
            attempt_durations: timing(
                &mut registry,
                "attempt_duration",
                "Duration of attempts, including the reading before them",
                moments,
            ),
            commit_durations: timing(
                &mut registry,
                "commit_duration",
                "Duration of commits of groups of sessions",
                moments,
            ),
            scan_durations: scan(&mut registry),
            gauges: Gauges::register(&mut registry),
            scraping: Mutex::default(),
            requests: registered(&mut registry, "http_requests", "Answered requests"),
            request_durations: timing(&mut registry, "http_request_duration", "Duration of answers", moments),
            connections: Connections::register(&mut registry),
            alerts: AlertMetrics::register(&mut registry),
            cluster: ClusterMetrics::register(&mut registry),
            registry,
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl Metrics {
    /// All metrics as text of the type [`CONTENT_TYPE`], with the current health warnings.
    #[must_use]
    pub fn encode(&self, warnings: impl IntoIterator<Item = CountedWarnings>) -> String {
        let _one_at_a_time = self.shared.scraping.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.gauges.set_warnings(warnings);
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.shared.registry);
        text
    }

    /// The counters and gauges of alerts.
    #[must_use]
    pub fn alerts(&self) -> &AlertMetrics {
        &self.shared.alerts
    }

    /// The counters of connections.
    #[must_use]
    pub fn connections(&self) -> &Connections {
        &self.shared.connections
    }

    /// Counts a run that ended.
    pub fn observe_run(&self, processor: &ProcessorName, actor: &Actor, outcome: Outcome, duration: Duration) {
        let run = OfRun {
            processor: processor.to_string(),
            outcome: outcome.as_str(),
            actor: actor.kind(),
        };
        self.shared.runs.get_or_create(&run).inc();
        observe(&self.shared.run_durations, &OfProcessor::new(processor), duration);
    }

    /// Counts sessions that ended in a run.
    pub fn observe_sessions(&self, processor: &ProcessorName, outcome: SessionOutcome, sessions: u64) {
        let outcome = match outcome {
            SessionOutcome::Processed => "processed",
            SessionOutcome::Unrecognised => "unrecognised",
            SessionOutcome::Skipped => "skipped",
            SessionOutcome::Failed(kind) => kind.as_str(),
        };
        let label = OfSession {
            processor: processor.to_string(),
            outcome,
        };
        self.shared.sessions.get_or_create(&label).inc_by(sessions);
    }

    /// Counts items that a run extracted.
    pub fn observe_items(&self, processor: &ProcessorName, items_extracted: u64) {
        let label = OfProcessor::new(processor);
        self.shared
            .items_extracted
            .get_or_create(&label)
            .inc_by(items_extracted);
    }

    /// Counts bytes of transcripts that a run read.
    pub fn observe_bytes(&self, processor: &ProcessorName, bytes_read: u64) {
        let label = OfProcessor::new(processor);
        self.shared.bytes_read.get_or_create(&label).inc_by(bytes_read);
    }

    /// Records the duration of an attempt, including the reading before it.
    pub fn observe_attempt(&self, processor: &ProcessorName, duration: Duration) {
        observe(&self.shared.attempt_durations, &OfProcessor::new(processor), duration);
    }

    /// Records the duration of the commit of a group of sessions.
    pub fn observe_commit(&self, processor: &ProcessorName, duration: Duration) {
        observe(&self.shared.commit_durations, &OfProcessor::new(processor), duration);
    }

    /// Records the duration of a scan of the sessions directory.
    pub fn observe_scan(&self, duration: Duration) {
        self.shared.scan_durations.observe(duration.as_secs_f64());
    }

    /// Sets the session gauges of these processors; the gauges of all others are removed.
    pub fn set_sessions(&self, sessions: impl IntoIterator<Item = (ProcessorName, ObservedSessions)>) {
        self.shared.gauges.set_sessions(sessions);
    }

    /// Sets the gauges of the surroundings: unreadable files and folders, the state's files and their disk.
    pub fn set_surroundings(&self, unreadable: u64, files: Option<&StateFiles>) {
        self.shared.gauges.set_surroundings(unreadable, files);
    }

    /// Sets the number of files of the plugins directory with each status.
    pub fn set_plugins(&self, statuses: impl IntoIterator<Item = &'static str>) {
        self.shared.gauges.set_plugins(statuses);
    }

    /// Sets what the host has observed of itself among others.
    pub fn set_cluster(&self, observed: ObservedCluster) {
        self.shared.cluster.set(observed);
    }

    /// Counts what was in the way of the commits of a run.
    pub fn observe_encounters(&self, processor: &ProcessorName, encounters: &Encounters) {
        self.shared.cluster.observe_encounters(processor, encounters);
    }

    /// Counts a request: `route` is one of the known paths or `other`.
    pub fn observe_request(&self, route: &'static str, method: &hyper::Method, status: u16, duration: Duration) {
        let request = OfRequest {
            route,
            method: labels::method(method),
            status: labels::class(status),
        };
        self.shared.requests.get_or_create(&request).inc();
        observe(&self.shared.request_durations, &labels::OfRoute { route }, duration);
    }
}

fn register_process(registry: &mut Registry) {
    let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION")), ("duckdb", DUCKDB)]);
    registry.register("build", "The running version", build);
    let started: Gauge = Gauge::default();
    started.set(clock::now().as_micros() / 1_000_000);
    registry.register_with_unit(
        "start_time",
        "When the process started, since the epoch",
        Unit::Seconds,
        started,
    );
}

fn registered<L, M>(registry: &mut Registry, name: &str, help: &str) -> Family<L, M>
where
    L: Clone + std::hash::Hash + Eq,
    M: Default,
    Family<L, M>: prometheus_client::registry::Metric,
{
    let family = Family::<L, M>::default();
    registry.register(name, help, family.clone());
    family
}

fn timing<L>(registry: &mut Registry, name: &str, help: &str, make: fn() -> Histogram) -> Timing<L>
where
    L: Clone + std::hash::Hash + Eq,
    Timing<L>: prometheus_client::registry::Metric,
{
    let family = Family::new_with_constructor(make);
    registry.register_with_unit(name, help, Unit::Seconds, Timing::clone(&family));
    family
}

fn scan(registry: &mut Registry) -> Histogram {
    let histogram = moments();
    let help = "Duration of scans of the sessions directory by runs";
    registry.register_with_unit("scan_duration", help, Unit::Seconds, histogram.clone());
    histogram
}

/// From half a millisecond to a minute.
fn moments() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 18))
}

/// From ten milliseconds to twenty minutes.
fn minutes() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 2.0, 18))
}

fn observe<L: Clone + std::hash::Hash + Eq>(family: &Timing<L>, label: &L, duration: Duration) {
    family.get_or_create(label).observe(duration.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::FailureKind;

    #[test]
    fn the_text_holds_all_observations() {
        let metrics = Metrics::default();
        let usage: ProcessorName = "usage".parse().unwrap();
        metrics.observe_run(
            &usage,
            &Actor::Scheduler,
            Outcome::SessionErrors,
            Duration::from_secs(2),
        );
        metrics.observe_sessions(&usage, SessionOutcome::Processed, 3);
        metrics.observe_sessions(&usage, SessionOutcome::Failed(FailureKind::Panic), 1);
        metrics.observe_items(&usage, 5);
        metrics.observe_bytes(&usage, 700);
        let sessions = ObservedSessions {
            waiting: 4,
            failing: 1,
            quarantined: 1,
            paused: true,
            unrecognised: 2,
            unreadable_lines: 9,
            last_success: Some(session_plugin_api::Timestamp::from_micros(1_500_000)),
        };
        metrics.set_sessions([(usage, sessions)]);
        metrics.set_plugins(["loaded", "rejected", "loaded"]);
        metrics.observe_request("/metrics", &hyper::Method::GET, 200, Duration::from_millis(1));
        let warning = CountedWarnings {
            kind: "stuck",
            processor: Some("usage".to_owned()),
            count: 1,
        };
        let text = metrics.encode([warning]);
        for line in [
            r#"session_host_runs_total{processor="usage",outcome="errors",actor="scheduler"} 1"#,
            r#"session_host_run_duration_seconds_count{processor="usage"} 1"#,
            r#"session_host_sessions_total{processor="usage",outcome="processed"} 3"#,
            r#"session_host_sessions_total{processor="usage",outcome="panic"} 1"#,
            r#"session_host_items_total{processor="usage"} 5"#,
            r#"session_host_transcript_bytes_total{processor="usage"} 700"#,
            r#"session_host_backlog_sessions{processor="usage"} 4"#,
            r#"session_host_failing_sessions{processor="usage"} 1"#,
            r#"session_host_unrecognised_sessions{processor="usage"} 2"#,
            r#"session_host_unreadable_lines{processor="usage"} 9"#,
            r#"session_host_last_success_timestamp_seconds{processor="usage"} 1"#,
            r#"session_host_health_warnings{kind="stuck",processor="usage"} 1"#,
            r#"session_host_plugins{status="loaded"} 2"#,
            r#"session_host_http_requests_total{route="/metrics",method="GET",status="2xx"} 1"#,
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn unknown_methods_and_statuses_share_a_label() {
        let metrics = Metrics::default();
        let strange = hyper::Method::from_bytes(b"BREW").unwrap();
        metrics.observe_request("other", &strange, 999, Duration::ZERO);
        assert!(
            metrics
                .encode([])
                .contains(r#"{route="other",method="other",status="other"} 1"#)
        );
    }
}
