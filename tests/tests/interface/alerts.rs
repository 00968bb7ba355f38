//! The alert rules that ship hold, and speak of what the service tells; so does the manual.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use session_host_tests::wait_until;

use crate::{client::Request, service::Service};

fn repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

fn text_of(file: &str) -> String {
    fs::read_to_string(repository(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The metrics that only a service tells whose state others share.
const OF_SHARED_STATES: [(&str, &str); 4] = [
    ("session_host_commit_conflicts_total", "counter"),
    ("session_host_sessions_recorded_already_total", "counter"),
    ("session_host_owned_buckets", "gauge"),
    ("session_host_unowned_buckets", "gauge"),
];

/// What a service tells that has done a bit of everything.
fn metrics() -> String {
    let service = Service::start();
    for processor in ["usage", "probe"] {
        assert_eq!(service.run(processor).status, 200);
    }
    let scraped = || service.ask(&Request::new("GET", "/metrics")).text().to_owned();
    wait_until("a look has seen the runs", || {
        scraped().contains("session_host_last_success_timestamp_seconds{processor=\"usage\"}")
    });
    scraped()
}

/// The metrics by the names that Prometheus gives them.
fn families(metrics: &str) -> BTreeSet<(String, String)> {
    let types = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let families = types.map(|line| {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        (format!("{name}{suffix}"), kind.to_owned())
    });
    families.collect()
}

#[test]
fn the_manual_lists_every_metric_and_no_other() {
    let guide = text_of("docs/operators-guide.md");
    let rows = guide.lines().filter(|line| line.starts_with("| `session_host_"));
    let documented: BTreeSet<(String, String)> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim).skip(1);
            let name = cells.next().unwrap().trim_matches('`').to_owned();
            (name, cells.next().unwrap().to_owned())
        })
        .collect();
    let of_shared = OF_SHARED_STATES.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    let told: BTreeSet<_> = families(&metrics()).into_iter().chain(of_shared).collect();
    assert_eq!(documented, told);
}

#[test]
fn alerts_speak_of_metrics_that_there_are_and_of_every_warning() {
    let rules = text_of("packaging/alerts.yml");
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let named: BTreeSet<&str> = rules
        .split(|letter| !is_name(letter))
        .filter(|word| word.starts_with("session_host_"))
        .collect();
    let families = families(&metrics());
    let known: BTreeSet<&str> = families.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(named.difference(&known).collect::<Vec<_>>(), [] as [&&str; 0]);
    let description: serde_json::Value = serde_json::from_str(&text_of("host/src/http/openapi.json")).unwrap();
    let kinds = &description["components"]["schemas"]["Warning"]["properties"]["kind"]["enum"];
    for kind in kinds.as_array().unwrap() {
        let kind = kind.as_str().unwrap();
        assert!(rules.contains(&format!("kind=\"{kind}\"")), "no rule for {kind}");
    }
}

#[test]
fn prometheus_takes_the_rules_and_they_alert_when_they_should() {
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]] {
        let ran = Command::new("promtool")
            .args(arguments)
            .current_dir(repository("packaging"))
            .output()
            .expect("promtool is missing: scripts/test installs it, with Prometheus");
        assert!(
            ran.status.success(),
            "{arguments:?}\n{}{}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}
