//! Panics of a plugin: each costs its own attempt, and nothing else.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{Ran, World};

/// A world in which `alice/bad.jsonl` gives rows and then panics, until the file `behave` is there.
fn world_with(payload: &str) -> World {
    let world = World::with(&["probe"]);
    world.write("alice/good.jsonl", r#"{"do":"rows","count":2}"#);
    let panic = json!({"do": "panic", "payload": payload});
    let unless = json!({"do": "unless", "path": world.path("behave"), "then": panic});
    world.write(
        "alice/bad.jsonl",
        format!("{}\n{unless}\n", json!({"do": "rows", "count": 3})),
    );
    world
}

fn rows_of(world: &World, session: &str) -> usize {
    world
        .rows(&format!("SELECT n FROM probe_rows WHERE session_file = '{session}'"))
        .len()
}

fn failures(world: &World) -> Vec<Value> {
    let ran = world.host(&["failures", "--all", "--json"]).exits(0);
    ran.json().as_array().unwrap().clone()
}

/// Nothing of a panic stands on stderr beside the log.
#[track_caller]
fn assert_no_loose_text(ran: &Ran) {
    for line in ran.stderr.lines() {
        let is_logged = line.contains(" WARN ") || line.contains(" ERROR ");
        assert!(is_logged, "`{line}` is no line of the log");
    }
}

#[track_caller]
fn assert_contained(payload: &str, message: &str, has_place: bool) {
    let world = world_with(payload);
    let ran = world.run(&[]).exits(1);
    let result = ran.result();
    assert_eq!(
        (result.processed, result.errors, result.items_extracted),
        (1, 1, 2),
        "{payload}"
    );
    assert_eq!(result.errors_detail[0].session, "alice/bad.jsonl");
    assert!(
        result.errors_detail[0].error.ends_with(message),
        "{:?}",
        result.errors_detail
    );
    assert_no_loose_text(&ran);
    assert_eq!(
        (rows_of(&world, "alice/bad.jsonl"), rows_of(&world, "alice/good.jsonl")),
        (0, 2)
    );
    let recorded = world.rows("SELECT session_file FROM session_processor_state");
    assert_eq!(recorded, [json!({"session_file": "alice/good.jsonl"})]);

    let failures = self::failures(&world);
    assert_eq!(failures.len(), 1);
    let failure = &failures[0];
    assert_eq!((&failure["kind"], &failure["attempts"]), (&json!("panic"), &json!(1)));
    let error = failure["error"].as_str().unwrap();
    assert!(error.ends_with(message), "{error}");
    assert_eq!(error.contains("src/probe.rs:"), has_place, "{error}");

    fs::write(world.path("behave"), "").unwrap();
    let ran = world.run(&[]).exits(0);
    assert_eq!((ran.result().processed, ran.result().errors), (1, 0));
    assert_eq!(rows_of(&world, "alice/bad.jsonl"), 3);
    assert!(self::failures(&world).is_empty());
}

#[test]
fn of_any_payload_cost_their_session_alone() {
    for (payload, message) in [
        ("str", ": told to panic"),
        ("string", ": told to panic by a session"),
        ("other", ": a payload that is not text"),
        ("drop_panics", ": a payload that is not text"),
    ] {
        assert_contained(payload, message, true);
    }
}

#[test]
fn that_no_hook_sees() {
    assert_contained("resume_unwind", "panicked: unwound without a hook", false);
}

#[test]
fn the_log_tells_message_and_place_within_the_attempt() {
    let world = world_with("str");
    let ran = world.run(&["-v"]).exits(1);
    let line = ran
        .stderr
        .lines()
        .find(|line| line.contains("the processor panicked: told to panic"))
        .unwrap();
    for part in [
        "ERROR",
        "run{processor=probe",
        "attempt{session=alice/bad.jsonl",
        "src/probe.rs:",
    ] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
}

#[test]
fn a_panicked_instance_serves_no_further_session() {
    let world = World::with(&["probe_serial"]);
    world.write("alice/1.jsonl", r#"{"do":"rows","count":1}"#);
    world.write("alice/2.jsonl", r#"{"do":"panic","payload":"str"}"#);
    world.write("alice/3.jsonl", r#"{"do":"rows","count":1}"#);
    for (session, age) in [("alice/1.jsonl", 30), ("alice/2.jsonl", 20), ("alice/3.jsonl", 10)] {
        world.age(session, std::time::Duration::from_secs(age));
    }
    assert_eq!(world.run(&[]).exits(1).result().processed, 2);
    let instances = [("alice/1.jsonl", 1), ("alice/3.jsonl", 2)];
    assert_eq!(
        world.rows("SELECT session_file, instance FROM probe_serial_rows ORDER BY session_file"),
        instances.map(|(session, instance)| json!({"session_file": session, "instance": instance}))
    );
}

#[test]
fn of_threads_inside_a_plugin_are_logged_and_cost_nothing() {
    let world = World::with(&["probe"]);
    world.write(
        "alice/a.jsonl",
        "{\"do\":\"thread_panics\"}\n{\"do\":\"rows\",\"count\":1}\n",
    );
    let ran = world.run(&[]).exits(0);
    assert_eq!(ran.result().processed, 1);
    assert_no_loose_text(&ran);
    let logged: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(logged.len(), 1, "{}", ran.stderr);
    for part in [
        "ERROR",
        "a thread of the plugin panicked: a helper's fault",
        "processor=\"probe\"",
        "helper",
        "src/probe.rs:",
    ] {
        assert!(logged[0].contains(part), "{part} is missing in {}", logged[0]);
    }
}

#[test]
fn another_processor_does_not_notice() {
    let world = world_with("str");
    world.install("probe_other");
    fs::write(
        world.sessions().join("alice/bad.jsonl"),
        r#"{"do":"rows","table":"probe_rows","count":1}"#,
    )
    .unwrap();
    let ran = world.run(&[]).exits(1);
    assert_eq!(
        (ran.result_of("probe").processed, ran.result_of("probe").errors),
        (2, 0)
    );
    assert_eq!(
        (
            ran.result_of("probe_other").processed,
            ran.result_of("probe_other").errors
        ),
        (1, 1)
    );
    assert_eq!(rows_of(&world, "alice/bad.jsonl"), 1);
}
