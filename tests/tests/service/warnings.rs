//! What health warns of, each with the fault itself.

use std::{fs, path::Path};

use serde_json::{Value, json};
use session_host_tests::{Service, SmallDisk, World, wait_until};

use crate::steps::write_sessions;

const MEBIBYTE: u64 = 1 << 20;

fn health(service: &Service) -> Value {
    service.get("/api/health").is(200).json()
}

/// The message of the warning of this kind, of the service or of the probe, if there is one.
fn warning(service: &Service, kind: &str) -> Option<String> {
    let health = health(service);
    let of = |warnings: &Value| -> Option<String> {
        let mut warnings = warnings.as_array()?.iter();
        let found = warnings.find(|warning| warning["kind"] == kind)?;
        Some(found["message"].as_str()?.to_owned())
    };
    let found = of(&health["warnings"]).or_else(|| of(&health["processors"]["probe"]["warnings"]));
    assert!(found.is_none() || health["status"] == "degraded", "{health}");
    found
}

#[track_caller]
fn warns(service: &Service, kind: &str) -> String {
    wait_until(&format!("health warns of {kind}"), || warning(service, kind).is_some());
    let labels = match ["failed", "failing", "quarantined"].contains(&kind) {
        true => format!("{{kind=\"{kind}\",processor=\"probe\"}} 1"),
        false => format!("{{kind=\"{kind}\",processor=\"\"}} 1"),
    };
    let metrics = service.get("/metrics").is(200).body;
    assert!(metrics.contains(&labels), "{labels} is not in\n{metrics}");
    warning(service, kind).unwrap()
}

#[track_caller]
fn warns_no_longer(service: &Service, kind: &str) {
    wait_until(&format!("health no longer warns of {kind}"), || {
        warning(service, kind).is_none()
    });
}

/// The value of a gauge without labels.
fn gauge(service: &Service, name: &str) -> Option<u64> {
    let metrics = service.get("/metrics").is(200).body;
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.and_then(|value| value.parse().ok())
}

/// Waits until health was checked once more, from now on.
#[track_caller]
fn is_checked_again(service: &Service) {
    for _ in 0..2 {
        let before = health(service)["checked_at"].clone();
        wait_until("health was checked again", || health(service)["checked_at"] != before);
    }
}

#[test]
fn the_first_run_that_fails_is_a_warning_and_survives_a_restart() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    fs::remove_dir_all(world.sessions()).unwrap();
    fs::write(world.sessions(), "no directory").unwrap();
    drop(service.run("probe").is(500));
    let message = warns(&service, "failed");
    assert!(message.contains("scan the sessions directory"), "{message}");
    drop(warns(&service, "unreadable"));
    drop(service.stop());
    fs::remove_file(world.sessions()).unwrap();
    write_sessions(&world, 1);
    let service = world.serve(&[]);
    drop(warns(&service, "failed"));
    drop(service.run("probe").is(200));
    warns_no_longer(&service, "failed");
    warns_no_longer(&service, "unreadable");
}

#[test]
fn a_run_that_fails_is_told_before_health_is_checked_again() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[("SESSION_HOST_TICK_SECONDS", "100000")]);
    wait_until("health was checked", || !health(&service)["checked_at"].is_null());
    fs::remove_dir_all(world.sessions()).unwrap();
    fs::write(world.sessions(), "no directory").unwrap();
    drop(service.run("probe").is(500));
    assert!(warning(&service, "failed").is_some());
}

#[test]
fn a_run_that_the_disk_has_no_room_for_is_a_warning() {
    let world = World::with(&["probe"]);
    let disk = SmallDisk::mount(world.path("data"), 64);
    let service = world.serve(&[("SESSION_HOST_MIN_FREE_BYTES", "0")]);
    drop(service.run("probe").is(200));
    for number in 0..200 {
        let text = "x".repeat(100_000);
        let step = json!({"do": "rows", "count": 1, "text": text});
        world.write(&format!("alice/{number}.jsonl"), step.to_string());
    }
    disk.fill(0);
    drop(service.run("probe").is(500));
    drop(warns(&service, "failed"));
    let log = service.log();
    let told = log
        .lines()
        .filter(|line| line.contains("WARN") || line.contains("ERROR"));
    assert!(told.count() < 20, "a line for each session:\n{log}");
}

#[test]
fn a_run_in_which_everything_fails_is_a_warning_until_something_succeeds() {
    let world = World::with(&["probe"]);
    let fails = json!({"do": "error", "message": "a format that is new"}).to_string();
    for number in 0..9 {
        world.write(&format!("alice/{number}.jsonl"), &fails);
    }
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let message = warns(&service, "failing");
    assert!(message.contains("(9)"), "{message}");
    drop(service.run("probe").is(200));
    is_checked_again(&service);
    drop(warns(&service, "failing"));
    write_sessions(&world, 1);
    drop(service.run("probe").is(200));
    warns_no_longer(&service, "failing");
}

#[test]
fn a_session_that_fails_beside_others_and_again_when_there_is_nothing_else_is_no_warning() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 3);
    world.write("bruno/bad.jsonl", json!({"do": "error", "message": "bad"}).to_string());
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let again = service.run("probe").is(200).json();
    assert_eq!(again["details"]["errors"], 1);
    is_checked_again(&service);
    assert_eq!(warning(&service, "failing"), None);
    // A plugin that fails whatever is new from now on is another matter.
    world.write(
        "bruno/worse.jsonl",
        json!({"do": "error", "message": "worse"}).to_string(),
    );
    drop(service.run("probe").is(200));
    drop(warns(&service, "failing"));
}

#[test]
fn a_folder_that_cannot_be_read_is_named_and_counted() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 1);
    world.write("closed/a.jsonl", r#"{"do":"rows","count":1}"#);
    let service = world.serve_by(world.as_nobody(world.serving(&[])));
    world.chmod("sessions/closed", 0o000);
    let message = warns(&service, "unreadable");
    let closed = world.sessions().canonicalize().unwrap().join("closed");
    assert!(message.contains(closed.to_str().unwrap()), "{message}");
    assert_eq!(gauge(&service, "session_host_unreadable_files"), Some(1));
    let answer = service.run("probe").is(200).json();
    assert_eq!(
        (&answer["ok"], &answer["details"]["unreadable"]),
        (&json!(false), &json!(1))
    );
    world.chmod("sessions/closed", 0o755);
    warns_no_longer(&service, "unreadable");
    assert_eq!(gauge(&service, "session_host_unreadable_files"), Some(0));
    assert_eq!(service.run("probe").is(200).json()["ok"], true);
}

#[test]
fn a_sessions_directory_that_lost_its_transcripts_is_a_warning() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    is_checked_again(&service);
    assert_eq!(warning(&service, "missing"), None, "nothing was processed yet");
    write_sessions(&world, 3);
    drop(service.run("probe").is(200));
    is_checked_again(&service);
    assert_eq!(warning(&service, "missing"), None);

    let (mounted, elsewhere) = (world.sessions().join("alice"), world.path("unmounted"));
    fs::rename(&mounted, &elsewhere).unwrap();
    let message = warns(&service, "missing");
    assert!(
        message.contains("holds no transcript, though 3 sessions were processed from it"),
        "{message}"
    );
    fs::rename(&elsewhere, &mounted).unwrap();
    warns_no_longer(&service, "missing");
}

#[test]
fn a_disk_with_little_room_is_a_warning_before_it_is_full() {
    let world = World::with(&["probe"]);
    let disk = SmallDisk::mount(world.path("data"), 64);
    let least = (32 * MEBIBYTE).to_string();
    let service = world.serve(&[("SESSION_HOST_MIN_FREE_BYTES", &least)]);
    is_checked_again(&service);
    assert_eq!(warning(&service, "disk"), None);
    disk.fill(16 * MEBIBYTE);
    let message = warns(&service, "disk");
    assert!(message.contains("min_free_bytes"), "{message}");
    let free = gauge(&service, "session_host_disk_free_bytes").unwrap();
    assert!((8 * MEBIBYTE..32 * MEBIBYTE).contains(&free), "{free}");
    disk.make_room();
    warns_no_longer(&service, "disk");
}

#[test]
fn a_state_that_may_not_be_written_any_more_is_a_warning() {
    let world = World::with(&["probe"]);
    let service = world.serve_by(world.as_nobody(world.serving(&[])));
    world.chmod("data", 0o555);
    let message = warns(&service, "state");
    assert!(message.contains("Permission denied"), "{message}");
    world.chmod("data", 0o755);
    warns_no_longer(&service, "state");
}

#[test]
fn a_default_install_shows_no_false_alarm() {
    let world = World::new();
    for plugin in ["usage", "errors", "search", "secrets", "verification"] {
        world.install(plugin);
    }
    write_sessions(&world, 3);
    let service = world.serve(&[session_host_tests::AT_ONCE]);
    wait_until("all that serve have run", || {
        let health = health(&service);
        ["usage", "errors", "search", "secrets"]
            .iter()
            .all(|name| health["processors"][name]["backlog"] == 0)
    });
    let health = health(&service);
    assert_eq!(health["status"], "ok", "{health}");
    assert_eq!(health["processors"]["verification"]["backlog"], 0, "{health}");
    let metrics = service.get("/metrics").is(200).body;
    assert!(metrics.contains(r#"session_host_plugins{status="unavailable"} 1"#));
    assert!(!metrics.contains(r#"session_host_backlog_sessions{processor="verification"}"#));
    let warnings = metrics
        .lines()
        .filter(|line| line.starts_with("session_host_health_warnings{"));
    for line in warnings {
        assert!(line.ends_with(" 0"), "{line}");
    }
    let file = gauge(&service, "session_host_state_file_bytes").unwrap();
    assert_eq!(file, fs::metadata(Path::new(&world.state())).unwrap().len());
}

#[test]
fn what_was_forgotten_and_not_purged_is_told_until_it_is() {
    let mut world = World::with(&["probe"]);
    write_sessions(&world, 1);
    drop(world.run(&["probe"]).exits(0));
    let service = world.serve(&[]);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    // In the place where the purge writes the state anew.
    let obstacle = world.path("data/session-host.duckdb.purged");
    fs::create_dir(&obstacle).unwrap();
    let forgot = world.host(&["forget", "alice"]).exits(0).stdout;
    assert!(forgot.contains("the state file still holds its text"), "{forgot}");
    let message = warns(&service, "purge");
    assert!(message.contains("session-host.duckdb.purged"), "{message}");
    fs::remove_dir(&obstacle).unwrap();
    drop(world.host(&["forget", "--purge", "alice"]).exits(0));
    warns_no_longer(&service, "purge");
}

#[test]
fn sessions_in_quarantine_are_a_warning_and_a_metric_until_they_come_back() {
    let world = World::new();
    world.install("probe");
    world.config("max_attempts = 1\n");
    write_sessions(&world, 1);
    let failing = json!({"do": "error", "message": "no luck"}).to_string();
    world.write("bob/b.jsonl", &failing);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let message = warns(&service, "quarantined");
    assert!(message.contains("1 session is in quarantine"), "{message}");
    assert!(message.contains("session-host retry"), "{message}");
    let metrics = service.get("/metrics").is(200).body;
    let counted = "session_host_quarantined_sessions{processor=\"probe\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    wait_until("a check after the run counts the sessions", || {
        let probe = &health(&service)["processors"]["probe"];
        [&probe["backlog"], &probe["failing"], &probe["quarantined"]] == [0, 1, 1]
    });
    let listed = service.get("/api/admin/failures").is(200).json();
    assert_eq!(listed["failures"][0]["quarantined"], true);
    let causes = service.get("/api/admin/failure-causes").is(200).json();
    assert_eq!(causes["causes"][0]["quarantined"], 1);
    let status = service.get("/api/admin/status").is(200).json();
    assert_eq!(status["processors"][0]["quarantined"], 1);
    assert_eq!(service.run("probe").is(200).json()["details"]["quarantined"], 1);

    world.write("bob/b.jsonl", failing + "\n");
    warns_no_longer(&service, "quarantined");
    drop(service.run("probe").is(200));
    drop(warns(&service, "quarantined"));
}

#[test]
fn sessions_that_wait_for_their_backoff_are_counted() {
    let world = World::new();
    world.install("probe");
    world.config("retry_backoff_seconds = 100_000\n");
    world.write("bob/b.jsonl", json!({"do": "error", "message": "no luck"}).to_string());
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    assert_eq!(service.run("probe").is(200).json()["details"]["waiting"], 1);
    wait_until("health counts it", || {
        health(&service)["processors"]["probe"]["waiting"] == 1
    });
    let status = service.get("/api/admin/status").is(200).json();
    assert_eq!(status["processors"][0]["waiting"], 1);
}
