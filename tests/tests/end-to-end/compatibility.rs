//! Interface 1.0, as it was: its plugin in today's host, and today's plugins in its host.

use std::{path::PathBuf, process::Command, sync::LazyLock};

use serde_json::{Value, json};
use session_host_tests::{LibraryFile, World, interface_1_0, library, library_name};

use crate::script::{counts, processed};

/// The host and the plugin of interface 1.0.
pub(crate) static OLD: LazyLock<(PathBuf, PathBuf)> = LazyLock::new(interface_1_0);

/// A world with the plugin of interface 1.0.
fn world() -> World {
    let world = World::new();
    world.install_file(LibraryFile::At(&OLD.1), &library_name("compat"));
    world
}

#[test]
fn a_plugin_of_interface_1_0_does_all_that_it_did() {
    let world = world();
    world.config("[processors.compat]\ngreeting = \"hello\"\n");
    world.write("alice/a.jsonl", "{\"type\":\"user\"}\n{}\n");
    let ran = world.run(&[]).exits(0);
    assert_eq!(
        (ran.result().processed, ran.result().items_extracted),
        (1, 2),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("the latest session has 2 lines"), "{}", ran.stderr);
    let rows =
        world.rows("SELECT session_file, username, lines, greeting, modified IS NOT NULL AS dated FROM compat_lines");
    let row =
        json!({"session_file": "alice/a.jsonl", "username": "alice", "lines": 2, "greeting": "hello", "dated": true});
    assert_eq!(rows, [row]);
    assert_eq!(
        world.rows("SELECT * FROM compat_users"),
        [json!({"username": "alice", "latest": 2})]
    );
    assert_eq!(
        world.rows("SELECT output_version FROM session_processor_state"),
        [json!({"output_version": 3})]
    );
    let listing = world.processors();
    let trace = &listing.of(&library_name("compat")).trace;
    assert!(
        trace.iter().any(|step| step.starts_with("interface 1.0, ")),
        "{trace:?}"
    );
}

#[test]
fn its_sessions_are_replaced_reprocessed_and_forgotten() {
    let world = world();
    world.write("alice/a.jsonl", "{}\n{}\n");
    drop(world.run(&[]).exits(0));
    world.write("alice/a.jsonl", "{}\n{}\n{}\n");
    drop(world.run(&[]).exits(0));
    drop(world.host(&["reprocess", "compat"]).exits(0));
    assert_eq!(counts(&world.run(&[]).exits(0)), processed(1));
    assert_eq!(world.rows("SELECT lines FROM compat_lines"), [json!({"lines": 3})]);
    let forgot = world.host(&["forget", "alice"]).exits(0).stdout;
    assert!(forgot.contains("tables that name no session: compat_users"), "{forgot}");
    assert_eq!((world.count("compat_lines"), world.count("compat_users")), (0, 1));
}

#[test]
fn its_errors_panics_and_postponed_sessions_are_what_they_were() {
    let world = world();
    world.write("alice/error.jsonl", "error\n");
    world.write("alice/panic.jsonl", "panic\n");
    drop(world.run(&[]).exits(1));
    let failed = world.rows("SELECT kind, error FROM session_processor_failure ORDER BY kind");
    assert_eq!(failed[0], json!({"kind": "error", "error": "process: told to fail"}));
    assert_eq!(failed[1]["kind"], json!("panic"));
    assert!(
        failed[1]["error"].as_str().unwrap().ends_with("told to panic"),
        "{}",
        failed[1]
    );
    let world = self::world();
    world.write("alice/later.jsonl", "later\n");
    let ran = world.run(&[]).exits(0);
    assert_eq!((ran.result().capped, ran.result().errors), (1, 0), "{}", ran.stderr);
}

#[test]
fn its_configuration_is_refused_as_it_was() {
    let world = world();
    world.config("[processors.compat]\ncolour = \"red\"\n");
    let listing = world.processors();
    let listed = listing.of(&library_name("compat"));
    assert_eq!(listed.status, "unavailable");
    assert!(
        listed.reason.as_deref().unwrap().contains("unknown field `colour`"),
        "{listed:?}"
    );
}

/// What the host of interface 1.0 gets of today's plugins.
fn answers(plugins: &[&str]) -> Vec<Value> {
    let paths = plugins.iter().map(|plugin| library(plugin));
    let ran = Command::new(&OLD.0).args(paths).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn a_host_of_interface_1_0_runs_the_plugins_of_today() {
    for plugin in ["usage", "errors", "search", "secrets", "lines", "growth_plugin"] {
        let answer = &answers(&[plugin])[0];
        let processed = &answer["processed"]["returned"];
        assert!(processed["items_count"].is_u64(), "{plugin}: {answer}");
        assert_eq!(answer["configured"], json!({"returned": null}), "{plugin}");
    }
}

#[test]
fn a_host_of_interface_1_0_calls_no_hook_and_processes_all_the_same() {
    let answers = answers(&["counts", "counts_twice"]);
    for (answer, name) in answers.iter().zip(["counts", "counts_twice"]) {
        assert_eq!(answer["name"], json!(name));
        assert_eq!(answer["processed"]["returned"]["items_count"], json!(3), "{answer}");
        let calls = answer["calls"].as_array().unwrap();
        assert_eq!(calls.len(), 2, "{answer}");
        assert_eq!(calls[0], json!(format!("replace {name}_lines")));
        assert!(
            calls[1].as_str().unwrap().starts_with("execute INSERT INTO"),
            "{answer}"
        );
    }
}

#[test]
fn a_host_of_interface_1_0_tells_of_no_deadline() {
    let answer = &answers(&["probe"])[0];
    let failed = &answer["processed"]["failed"];
    assert_eq!(
        (&failed["kind"], &failed["message"]),
        (&json!("error"), &json!("there is no deadline")),
        "{answer}"
    );
}
