//! Pausing a processor on the command line, without a server.

use serde_json::{Value, json};
use session_host_tests::World;

use crate::script::rows;

/// A world with two processors that have run, and a session that neither has processed.
fn world() -> World {
    let world = World::new();
    world.install("probe");
    world.install("probe_other");
    drop(world.run(&[]).exits(0));
    world.write("alice/a.jsonl", rows(1));
    world
}

fn pause(world: &World) {
    let paused = world
        .host(&["pause", "probe", "--reason", "its model is down"])
        .exits(0);
    let told = &paused.stdout;
    assert!(
        told.contains("probe is paused since ") && told.contains("by cli: its model is down"),
        "{told}"
    );
    assert!(told.contains("session-host resume probe"), "{told}");
}

/// The entry of the probe in a list.
fn listed(world: &World, list: &str) -> Value {
    let listed = world.host(&[list, "--json"]).exits(0).json();
    let mut entries = listed.as_array().unwrap().iter();
    entries.find(|entry| entry["processor"] == "probe").unwrap().clone()
}

#[test]
fn a_paused_processor_runs_no_more_until_it_is_resumed() {
    let world = world();
    pause(&world);
    for command in [&["run", "probe", "--json"][..], &["run", "probe"], &["retry", "probe"]] {
        let refused = world.host(command).exits(1);
        assert_eq!(refused.results, []);
        let said = &refused.stderr;
        assert!(said.contains("processor probe is paused since "), "{said}");
        assert!(
            said.contains("by cli: its model is down; `session-host resume probe`"),
            "{said}"
        );
    }
    assert_eq!(world.count("probe_rows"), 0);

    let resumed = world.host(&["resume", "probe"]).exits(0);
    assert!(resumed.stdout.contains("probe is resumed"), "{}", resumed.stdout);
    assert_eq!(world.run(&["probe"]).exits(0).result().processed, 1);
}

#[test]
fn a_run_of_all_processors_skips_a_paused_one_and_says_so() {
    let world = world();
    pause(&world);
    let ran = world.run(&[]).exits(0);
    assert_eq!(ran.result().processor, "probe_other");
    assert!(
        ran.stderr.contains("skipped probe, which is paused since "),
        "{}",
        ran.stderr
    );
    let table = world.host(&["run"]).exits(0).stdout;
    let skipped = table.lines().find(|line| line.starts_with("skipped probe, "));
    let skipped = skipped.unwrap_or_else(|| panic!("{table}"));
    assert!(
        skipped.contains("its model is down") && skipped.contains("session-host resume probe"),
        "{skipped}"
    );
    drop(world.host(&["pause", "probe_other"]).exits(0));
    let nothing = world.host(&["run"]).exits(0).stdout;
    assert!(nothing.lines().all(|line| line.starts_with("skipped ")), "{nothing}");
    drop(world.host(&["resume", "probe_other"]).exits(0));
    // Who names the others is not told of it.
    let named = world.host(&["run", "probe_other"]).exits(0);
    assert!(
        !named.stdout.contains("skipped probe") && !named.stderr.contains("skipped probe"),
        "{}",
        named.stdout
    );
}

#[test]
fn a_run_of_all_processors_succeeds_where_all_are_paused() {
    let world = world();
    for processor in ["probe", "probe_other"] {
        drop(world.host(&["pause", processor]).exits(0));
    }
    let ran = world.run(&[]).exits(0);
    assert_eq!(ran.results, []);
    assert_eq!(ran.stderr.matches("skipped probe").count(), 2, "{}", ran.stderr);
}

#[test]
fn lists_show_since_when_by_whom_and_why() {
    let world = world();
    assert_eq!(listed(&world, "processors")["paused"], Value::Null);
    pause(&world);
    for list in ["processors", "status"] {
        let paused = &listed(&world, list)["paused"];
        assert_eq!(
            (&paused["reason"], &paused["actor"]),
            (&json!("its model is down"), &json!("cli"))
        );
        assert!(paused["paused_at"].as_str().unwrap().ends_with('Z'), "{paused}");
        let table = world.host(&[list]).exits(0).stdout;
        assert!(table.contains("paused"), "{table}");
    }
    drop(world.host(&["resume", "probe"]).exits(0));
    for list in ["processors", "status"] {
        assert_eq!(listed(&world, list)["paused"], Value::Null);
        let table = world.host(&[list]).exits(0).stdout;
        assert!(!table.contains("paused"), "{table}");
    }
}

#[test]
fn a_second_pause_replaces_the_reason() {
    let world = world();
    pause(&world);
    let paused = world.host(&["pause", "probe"]).exits(0);
    assert!(paused.stdout.contains("by cli; a run"), "{}", paused.stdout);
    assert_eq!(listed(&world, "status")["paused"]["reason"], Value::Null);
    assert_eq!(world.count("processor_pause"), 1);
}

#[test]
fn what_cannot_be_paused_or_resumed_is_said() {
    let world = world();
    for (command, reason) in [
        (
            &["pause", "nobody"][..],
            "no processor nobody is loaded, and the state knows none",
        ),
        (&["pause", "No Name"], "No Name"),
        (&["resume", "probe"], "processor probe is not paused"),
        (&["resume", "nobody"], "processor nobody is not paused"),
    ] {
        let refused = world.host(command).exits(2);
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
    assert_eq!(world.count("processor_pause"), 0);
}

#[test]
fn both_are_in_the_audit_log() {
    let world = world();
    pause(&world);
    drop(world.host(&["resume", "probe"]).exits(0));
    let sql = "SELECT actor, action, resource, result, params->>'$.paused.reason' AS reason FROM audit_log
               WHERE NOT starts_with(action, 'run_') ORDER BY id";
    let entry = |action: &str, reason: Value| json!({"actor": "cli", "action": action, "resource": "job:session-processor:probe", "result": "ok", "reason": reason});
    let expected = [
        entry("pause:probe", json!("its model is down")),
        entry("resume:probe", Value::Null),
    ];
    assert_eq!(world.rows(sql), expected);
}

#[test]
fn a_reason_that_names_who_is_forgotten_is_forgotten_too() {
    let world = world();
    drop(world.run(&["probe_other"]));
    let reason = "alice/a.jsonl crashes it";
    drop(world.host(&["pause", "probe", "--reason", reason]).exits(0));
    drop(world.host(&["forget", "alice"]).exits(0));
    assert_eq!(
        world.rows("SELECT reason FROM processor_pause"),
        [json!({"reason": "(forgotten)"})]
    );
}
