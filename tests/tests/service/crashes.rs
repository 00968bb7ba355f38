//! Plugins that end the service.

use std::fs;

use serde_json::json;
use session_host_tests::{Service, World, wait_until};

use crate::steps::{value, write_sessions};

fn world_that_ends_by(by: &str) -> World {
    let world = World::new();
    world.install("probe");
    let step = json!({"do": "end_host", "by": by});
    world.write("alice/bad.jsonl", step.to_string());
    world
}

/// Begins a run that ends the service; gives how it ended.
#[track_caller]
fn ends(service: Service) -> Option<i32> {
    let target = "/api/admin/run-session-processor?processor=probe";
    let _connection = service.begin("POST", target, "");
    service.ends().0
}

fn crashed(service: &Service) -> Option<String> {
    let health = service.get("/api/health").is(200).json();
    let mut warnings = health["warnings"].as_array().unwrap().iter();
    let found = warnings.find(|warning| warning["kind"] == "crashed")?;
    Some(found["message"].as_str()?.to_owned())
}

#[track_caller]
fn assert_told_at_the_next_start(world: &World, ending: &str) {
    world.write("alice/good.jsonl", r#"{"do":"rows","count":1}"#);
    let service = world.serve(&[]);
    wait_until("health warns of the crash", || crashed(&service).is_some());
    let message = crashed(&service).unwrap();
    assert!(
        message.contains(&format!("ended the host with {ending} at ")),
        "{message}"
    );
    drop(service.run("probe").is(200));
    let sql = "SELECT string_agg(session_file || ' ' || kind) FROM session_processor_failure";
    assert_eq!(value(&service, sql), "alice/bad.jsonl crash");
    assert_eq!(value(&service, "SELECT count(*) FROM probe_rows"), 1);
    assert_eq!(service.stop().0, Some(0));
}

#[test]
fn by_a_write_to_null_are_told_by_the_next_start() {
    let world = world_that_ends_by("null_write");
    assert_eq!(ends(world.serve(&[])), None);
    assert_told_at_the_next_start(&world, "SIGSEGV");
}

#[test]
fn by_an_overflow_of_the_stack_are_told_by_the_next_start() {
    let world = world_that_ends_by("stack_overflow");
    assert_eq!(ends(world.serve(&[])), None);
    assert_told_at_the_next_start(&world, "a stack overflow");
}

#[test]
fn by_an_exit_are_told_by_the_next_start() {
    let world = world_that_ends_by("exit");
    assert_eq!(ends(world.serve(&[])), Some(70));
    assert_told_at_the_next_start(&world, "a call of `exit`");
}

#[test]
fn by_a_quick_exit_are_told_by_the_next_start() {
    let world = world_that_ends_by("quick_exit");
    assert_eq!(ends(world.serve(&[])), Some(70));
    assert_told_at_the_next_start(&world, "a call of `quick_exit`");
}

#[test]
fn a_processor_whose_workers_die_is_unavailable_until_a_reload() {
    let mut world = World::new();
    world.install("misfit");
    let file = world.path("file");
    world.set_variable("MISFIT", &format!("aborts_where_is:{}", file.display()));
    world.config("workers = 1\n[isolation]\ndefault = \"process\"\nworker_max_sessions = 1\n");
    write_sessions(&world, 2);
    let service = world.serve(&[]);
    let status = || {
        let listed = service.get("/api/admin/processors").is(200).json();
        listed["processors"][0]["status"].as_str().unwrap().to_owned()
    };
    let detail = service.run("misfit").is(500).detail();
    assert!(
        detail.contains("its constructor fails in a worker process: SIGABRT"),
        "{detail}"
    );
    assert_eq!(status(), "unavailable");
    assert_eq!(value(&service, "SELECT count(*) FROM session_processor_failure"), 0);
    let warning = || {
        let health = service.get("/api/health").is(200).json();
        health["processors"]["misfit"]["warnings"][0]["kind"].clone()
    };
    wait_until("health warns of it", || warning() == "unavailable");
    drop(service.post("/api/admin/reload-plugins").is(200));
    assert_eq!(status(), "unavailable");
    fs::remove_file(&file).unwrap();
    drop(service.post("/api/admin/reload-plugins").is(200));
    assert_eq!(status(), "loaded");
    drop(service.run("misfit").is(200));
}

#[test]
fn a_journal_that_somebody_empties_costs_the_journal_alone() {
    let world = World::new();
    world.install("probe");
    write_sessions(&world, 3);
    let service = world.serve(&[]);
    fs::write(world.path("data/crash-journal"), "").unwrap();
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 3);
    assert_eq!(service.stop().0, Some(0));
}
