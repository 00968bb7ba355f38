//! `session-host run --dry-run`: what a run would attempt.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::World;

use crate::{
    looking::data,
    script::{error, rows},
};

/// The lines that a dry run prints as JSON.
#[track_caller]
fn lines(world: &World, arguments: &[&str]) -> Vec<Value> {
    let ran = world
        .host(&[&["run", "--dry-run", "--json"], arguments].concat())
        .exits(0);
    let line = |line| serde_json::from_str(line).unwrap();
    ran.stdout.lines().map(line).collect()
}

/// Some sessions, as a dry run tells of them.
fn volume(world: &World, sessions: &[&str]) -> Value {
    let size = |session: &&str| fs::metadata(world.sessions().join(session)).unwrap().len();
    json!({"sessions": sessions.len(), "bytes": sessions.iter().map(size).sum::<u64>()})
}

/// A check long after the last change of a transcript leaves no doubt that it is unchanged.
fn settle(world: &World) {
    world.change_state("UPDATE session_processor_state SET checked_at = checked_at + INTERVAL 1 HOUR");
}

/// A world with one candidate for each reason, and one session that is no candidate.
fn world() -> World {
    let world = World::with(&["probe"]);
    for session in ["changed", "outdated", "done"] {
        world.write(&format!("alice/{session}.jsonl"), rows(1));
    }
    world.write("alice/failed.jsonl", error("no"));
    drop(world.run(&[]).exits(1));
    settle(&world);
    world.write("alice/changed.jsonl", rows(1) + &rows(2));
    world.write("alice/new.jsonl", rows(1));
    drop(world.host(&["reprocess", "probe", "alice/outdated.jsonl"]).exits(0));
    world
}

/// What is expected of that world.
fn expected(world: &World) -> Value {
    let of = |session: &str| volume(world, &[&format!("alice/{session}.jsonl")]);
    let all = volume(
        world,
        &[
            "alice/new.jsonl",
            "alice/changed.jsonl",
            "alice/outdated.jsonl",
            "alice/failed.jsonl",
        ],
    );
    json!({
        "processor": "probe", "sessions": all["sessions"], "bytes": all["bytes"],
        "new": of("new"), "changed": of("changed"), "outdated": of("outdated"), "failed": of("failed"),
        "waiting": 0, "quarantined": 0,
    })
}

#[test]
fn a_dry_run_tells_the_candidates_by_reason_and_writes_nothing() {
    let world = world();
    let before = data(&world);
    assert_eq!(lines(&world, &[]), [expected(&world)]);
    assert_eq!(lines(&world, &["probe"]), [expected(&world)]);
    let table = world.host(&["run", "--dry-run"]).exits(0).stdout;
    assert!(table.contains("│ probe     ┆        4 ┆"), "{table}");
    assert!(data(&world) == before, "the dry run has written something");
    assert_eq!(world.run(&[]).exits(1).result().scanned, 4);
}

#[test]
fn a_dry_run_runs_no_code_of_a_plugin() {
    let world = world();
    world.config("[processors.probe]\npanic = \"the code ran\"\n");
    let ran = world.host(&["run", "--dry-run", "--json"]).exits(0);
    assert!(!ran.stderr.contains("the code ran"), "{}", ran.stderr);
    assert_eq!(ran.json(), expected(&world));
}

#[test]
fn a_file_that_was_never_loaded_is_told_with_all_transcripts() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(1));
    world.write("alice/b.jsonl", rows(1));
    let file = world.plugins().join("probe.so");
    let at_most = volume(&world, &["alice/a.jsonl", "alice/b.jsonl"]);
    assert_eq!(
        lines(&world, &[]),
        [json!({"file": file, "status": "unknown", "at_most": at_most})]
    );
    let told = world.host(&["run", "--dry-run"]).exits(0).stdout;
    assert!(told.contains("has never been loaded"), "{told}");
    let unknown = world.host(&["run", "--dry-run", "probe"]).exits(2);
    unknown.tells("a run has not loaded all plugin files yet");
    assert!(!world.path("data").exists());
}

#[test]
fn a_new_output_version_counts_once_a_run_has_loaded_it() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(1));
    world.write("alice/b.jsonl", rows(1));
    drop(world.run(&[]).exits(0));
    settle(&world);
    let told = |world: &World| lines(world, &[])[0].clone();
    assert_eq!(told(&world)["sessions"], 0);
    world.install_as("probe_v2", "probe.so");
    assert_eq!(told(&world)["status"], "unknown");
    drop(world.run(&["--max-sessions", "1"]).exits(0));
    settle(&world);
    let told = told(&world);
    assert_eq!(
        (&told["sessions"], &told["outdated"]["sessions"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn files_that_are_rejected_are_told_and_disabled_ones_are_not() {
    let world = world();
    fs::write(world.plugins().join("broken.so"), "no library").unwrap();
    world.install("probe_other");
    world.config("disabled_plugins = [\"probe_other.so\"]\n");
    let lines = lines(&world, &[]);
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["status"], &lines[1]),
        (&json!("rejected"), &expected(&world))
    );
    let told = world.host(&["run", "--dry-run"]).exits(0).stdout;
    assert!(
        told.contains("broken.so is rejected: it is not a shared library"),
        "{told}"
    );
    fs::remove_file(world.plugins().join("probe.so")).unwrap();
    let told = world.host(&["run", "--dry-run"]).exits(0).stdout;
    assert!(
        told.contains("broken.so is rejected") && !told.contains("sessions "),
        "{told}"
    );
    world.install("probe");
    let unknown = world.host(&["run", "--dry-run", "nobody"]).exits(2);
    unknown.tells("there is no processor `nobody`; the known ones are: probe");
}

#[test]
fn the_service_tells_the_same() {
    let mut world = world();
    let expected = expected(&world);
    let service = world.serve(&[]);
    let answer = service.get("/api/admin/candidates").is(200).json();
    assert_eq!(answer, json!({"candidates": [expected]}));
    let answer = service.get("/api/admin/candidates?processor=probe").is(200).json();
    assert_eq!(answer, json!({"candidates": [expected]}));
    let detail = service.get("/api/admin/candidates?processor=nobody").is(400).detail();
    assert!(detail.contains("no processor `nobody`"), "{detail}");
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    assert_eq!(lines(&world, &[]), std::slice::from_ref(&expected));
    assert_eq!(lines(&world, &["probe"]), [expected]);
}
