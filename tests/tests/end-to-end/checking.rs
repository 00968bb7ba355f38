//! `session-host check`: what authors are told of a plugin before it serves anywhere.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{World, library_name};

/// Checks a plugin over the world's sessions; gives the exit status and the report.
fn check(world: &World, plugin: &str) -> (i32, Value) {
    let file = world.path("plugins").join(library_name(plugin));
    let sessions = world.sessions();
    let ran = world.host(&["check", file.to_str().unwrap(), sessions.to_str().unwrap(), "--json"]);
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    (ran.status, report)
}

fn world_of(session: &str) -> World {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", session);
    world
}

#[test]
fn the_plugins_that_ship_are_good() {
    for plugin in ["usage", "errors", "secrets"] {
        let world = World::new();
        let file = world.install(plugin);
        let ran = world.host(&["check", file.to_str().unwrap()]).exits(0);
        assert!(
            ran.stdout.contains(&format!("loaded as the processor {plugin}")),
            "{}",
            ran.stdout
        );
        assert!(
            ran.stdout.contains("0 failed") && !ran.stdout.contains("others"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn what_a_plugin_lacks_to_serve_is_told() {
    let world = World::new();
    let file = world.install("verification");
    let ran = world.host(&["check", file.to_str().unwrap()]).exits(2);
    for told in [
        "verification",
        "unavailable: no model is configured; set `model`",
        "under [processors.verification]",
    ] {
        assert!(ran.stdout.contains(told), "{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("pass:"), "{}", ran.stdout);
    let (status, report) = check(&world, "verification");
    assert_eq!(
        (
            status,
            &report["plugin"]["status"],
            &report["plugin"]["processor"],
            &report["behaviour"]
        ),
        (2, &json!("unavailable"), &json!("verification"), &json!(null))
    );
}

#[test]
fn nothing_of_the_installation_is_touched() {
    let world = world_of(r#"{"do":"rows","count":2}"#);
    let (status, report) = check(&world, "probe");
    assert_eq!(
        (status, &report["behaviour"]["tables"][0]),
        (0, &json!({"table": "probe_rows", "rows": 2}))
    );
    assert!(!world.state().exists());
    assert_eq!(fs::read_dir(world.plugins()).unwrap().count(), 1);
}

#[test]
fn sessions_that_fail_are_told_with_the_reason() {
    let (status, report) = check(&world_of(r#"{"do":"panic","payload":"str"}"#), "probe");
    let failed = &report["behaviour"]["first_pass"]["errors_detail"][0];
    assert_eq!((status, &failed["session"]), (1, &json!("alice/a.jsonl")));
    assert!(failed["error"].as_str().unwrap().contains("told to panic"), "{failed}");
}

#[test]
fn rows_that_come_of_chance_are_told() {
    let (status, report) = check(
        &world_of(r#"{"do":"query","sql":"SELECT (random() * 1e15)::BIGINT"}"#),
        "probe",
    );
    assert_eq!(
        (status, &report["behaviour"]["unsteady_tables"]),
        (1, &json!(["probe_rows"]))
    );
}

#[test]
fn what_is_not_taken_is_told_with_the_reason() {
    let mut world = World::new();
    world.set_variable("MISFIT", "constructor");
    world.install("misfit");
    let (status, report) = check(&world, "misfit");
    assert_eq!((status, &report["plugin"]["status"]), (2, &json!("rejected")));
    assert!(
        report["plugin"]["reason"]
            .as_str()
            .unwrap()
            .contains("cannot be constructed"),
        "{report}"
    );
    for (file, told) in [("nowhere.so", "nowhere.so"), ("config.toml", "ends in `.so`")] {
        let ran = world.host(&["check", file]).exits(2);
        ran.tells(told);
    }
}
