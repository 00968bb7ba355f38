//! What the service runs by itself.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{AT_ONCE, Held, Service, World, wait_until};

use crate::steps::{listed, value, write_sessions};

fn scheduled_runs(service: &Service, processor: &str) -> u64 {
    let sql = format!(
        "SELECT count(*) FROM audit_log WHERE actor = 'scheduler' AND action = 'run_session_processor:{processor}'"
    );
    value(service, &sql).as_u64().unwrap()
}

#[test]
fn what_is_due_runs_and_what_is_not_does_not() {
    let world = World::with(&["probe", "probe_other"]);
    world.config("[schedule]\nprobe = \"every 1s\"\nprobe_other = \"daily 00:00\"\n");
    write_sessions(&world, 2);
    let service = world.serve(&[AT_ONCE]);
    wait_until("the one runs again and again", || {
        scheduled_runs(&service, "probe") >= 3
    });
    assert_eq!(scheduled_runs(&service, "probe_other"), 1);
    let schedule = &listed(&service, "probe_other", "loaded")["schedule"];
    assert_eq!(schedule["cadence"], "daily 00:00");
    assert!(
        schedule["next_due_at"].as_str().unwrap().ends_with("T00:00:00Z"),
        "{schedule}"
    );
    assert_eq!(value(&service, "SELECT count(*) FROM probe_rows"), json!(2));
}

#[test]
fn a_restart_neither_repeats_nor_skips_a_run() {
    let world = World::with(&["probe", "probe_other"]);
    world.config("[schedule]\nprobe = \"every 1h\"\nprobe_other = \"every 1h\"\n");
    let service = world.serve(&[AT_ONCE]);
    wait_until("both have run", || {
        ["probe", "probe_other"]
            .iter()
            .all(|name| scheduled_runs(&service, name) == 1)
    });
    drop(service.stop());
    world.change_state(
        "UPDATE processor_schedule SET last_run_at = last_run_at - INTERVAL 2 HOUR WHERE processor_name = 'probe_other'",
    );
    let service = world.serve(&[AT_ONCE]);
    wait_until("the one that is due has run", || {
        scheduled_runs(&service, "probe_other") == 2
    });
    assert_eq!(scheduled_runs(&service, "probe"), 1);
}

#[test]
fn a_run_that_is_asked_for_counts_as_one_of_the_schedule() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let schedule = listed(&service, "probe", "loaded")["schedule"].clone();
    assert!(
        schedule["next_due_at"].as_str() > schedule["last_run_at"].as_str(),
        "{schedule}"
    );
    drop(service.stop());
    let at =
        &world.rows("SELECT last_run_at = (SELECT max(timestamp) FROM audit_log WHERE starts_with(action, 'run_')) AS same FROM processor_schedule")[0];
    assert_eq!(at["same"], true);
}

#[test]
fn a_retry_leaves_the_schedule_alone() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    drop(service.post("/api/admin/retry?processor=probe").is(200));
    assert_eq!(
        listed(&service, "probe", "loaded")["schedule"]["last_run_at"],
        Value::Null
    );
    drop(service.stop());
    assert_eq!(world.count("processor_schedule"), 0);
}

#[test]
fn of_a_run_that_is_due_and_one_that_is_asked_for_one_runs() {
    let world = World::with(&["probe"]);
    world.config("[schedule]\nprobe = \"every 1s\"\n");
    let held = Held::write(&world, "alice/held.jsonl");
    let service = world.serve(&[AT_ONCE]);
    held.starts();
    let refused = service.run("probe").is(409).detail();
    assert!(refused.contains("probe"), "{refused}");
    held.let_go();
    wait_until("the run that was due has ended", || {
        scheduled_runs(&service, "probe") >= 1
    });

    let again = Held::write(&world, "alice/again.jsonl");
    world.write("alice/held.jsonl", "");
    wait_until("a run has begun", || again.has_started());
    let before = scheduled_runs(&service, "probe");
    for _ in 0..20 {
        drop(service.run("probe").is(409));
    }
    assert_eq!(scheduled_runs(&service, "probe"), before);
    again.let_go();
}

#[test]
fn a_schedule_that_cannot_be_read_stops_the_start() {
    let world = World::with(&["probe"]);
    let refused = |variables: &[(&str, &str)], reason: &str| {
        let ran = world.serving(variables).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(said.contains(reason) && said.contains("probe"), "{said}");
    };
    refused(
        &[("SESSION_HOST_PROBE_SCHEDULE", "sometimes")],
        "SESSION_HOST_PROBE_SCHEDULE",
    );
    world.config("[schedule]\nprobe = \"every 0m\"\n");
    refused(&[], "config.toml");
    world.config("[schedule]\nnot-there-yet = \"sometimes\"\n[users]\nx = \"probe\"\n");
    let ran = world.serving(&[]).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("not-there-yet"));
    world.config("[schedule]\nprobe = \"every 0m\"\n");
    // The variable stands before the file.
    let service = world.serve(&[("SESSION_HOST_PROBE_SCHEDULE", "cron 0 3 * * 1-5")]);
    assert_eq!(
        listed(&service, "probe", "loaded")["schedule"]["cadence"],
        "cron 0 3 * * 1-5"
    );
}

#[test]
fn a_plugin_that_always_panics_costs_neither_the_service_nor_its_neighbour() {
    const TICKS: u64 = 100;
    let world = World::with(&["probe", "usage"]);
    world.config("[schedule]\nprobe = \"every 1s\"\nusage = \"every 1s\"\n");
    write_sessions(&world, 2);
    let broken = json!({"do": "panic", "payload": "drop_panics"});
    for number in 0..20 {
        world.write(&format!("bruno/{number}.jsonl"), broken.to_string());
    }
    let service = world.serve(&[AT_ONCE]);
    let memory = || {
        let status = fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap_or_default();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .map(str::to_owned);
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let mut settled = 0;
    for tick in 0..TICKS {
        wait_until("the broken one has run again", || {
            let answer = service.run("probe");
            answer.status == 200 && answer.json()["details"]["errors"] == 20
        });
        assert_eq!(service.get("/api/health").status, 200);
        if tick == TICKS / 4 {
            settled = memory();
        }
    }
    let (attempts, rows): (Value, Value) = (
        value(
            &service,
            "SELECT min(attempts) FROM session_processor_failure WHERE processor_name = 'probe'",
        ),
        value(&service, "SELECT count(*) FROM probe_rows"),
    );
    assert_eq!(rows, json!(2));
    assert!(attempts.as_u64().unwrap() >= TICKS, "{attempts}");
    wait_until("its neighbour has run when it was due", || {
        scheduled_runs(&service, "usage") >= 3
    });
    let end = memory();
    assert!(
        end <= settled + settled / 4 + 16_384,
        "{settled} kB after a quarter, {end} kB at the end"
    );
}

#[test]
fn old_entries_of_the_audit_log_are_removed() {
    let world = World::with(&["probe"]);
    drop(world.run(&[]).exits(0));
    world.change_state("UPDATE audit_log SET timestamp = timestamp - INTERVAL 91 DAY");
    drop(world.run(&[]).exits(0));
    let service = world.serve(&[]);
    wait_until("the old entry is gone", || {
        value(&service, "SELECT count(*) FROM audit_log WHERE actor = 'cli'") == json!(1)
    });
}
