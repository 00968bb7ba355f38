//! A command that can do nothing says why, each cause in one line, and its exit status says it too.

use std::fs;

use session_host_tests::{LibraryFile, World};

use crate::script::rows;

/// Checks that a run makes nothing and complains of these obstacles, each in one line.
#[track_caller]
fn is_kept_from_running(world: &World, obstacles: &[String]) {
    let ran = world.host(&["run"]).exits(2);
    let complaints = ran.stderr.lines().filter(|line| line.starts_with("session-host: "));
    let expected = obstacles.iter().map(|obstacle| format!("session-host: {obstacle}"));
    assert!(complaints.eq(expected), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_eq!(world.count("audit_log"), 0);
}

fn world() -> World {
    let world = World::new();
    world.write("alice/a.jsonl", rows(1));
    world
}

#[test]
fn an_empty_plugins_directory() {
    let world = world();
    let obstacle = format!(
        "the plugins directory {} has no plugin: copy plugins into it, or name another directory with --plugins",
        world.plugins().display()
    );
    is_kept_from_running(&world, &[obstacle]);
}

#[test]
fn a_missing_sessions_directory_and_an_empty_plugins_directory() {
    let world = World::new();
    fs::remove_dir(world.sessions()).unwrap();
    let [plugins, sessions] = [world.plugins(), world.sessions()].map(|folder| folder.display().to_string());
    let obstacles = [
        format!(
            "the plugins directory {plugins} has no plugin: copy plugins into it, or name another directory with --plugins"
        ),
        format!(
            "the sessions directory {sessions} does not exist: create or mount it, or name another directory with --sessions"
        ),
    ];
    is_kept_from_running(&world, &obstacles);
}

#[test]
fn a_missing_sessions_directory_keeps_a_named_processor_from_running() {
    let world = World::with(&["probe"]);
    fs::remove_dir(world.sessions()).unwrap();
    for command in ["run", "retry"] {
        world
            .host(&[command, "probe"])
            .exits(2)
            .tells("does not exist: create or mount it");
    }
}

#[test]
fn plugins_that_are_all_rejected() {
    let world = world();
    for file in ["one.so", "two.so"] {
        world.install_file(LibraryFile::Bytes(b"no library"), file);
    }
    let ran = world.host(&["run"]).exits(2);
    for file in ["one.so", "two.so"] {
        let begins = format!("session-host: {} is rejected: ", world.plugins().join(file).display());
        assert!(
            ran.stderr.lines().any(|line| line.starts_with(&begins)),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_rejected_plugin_beside_one_that_runs_is_a_failure_after_the_run() {
    let world = world();
    world.install("probe");
    world.install_file(LibraryFile::Bytes(b"no library"), "broken.so");
    let ran = world.host(&["run"]).exits(1);
    assert!(ran.stdout.contains("broken.so is rejected: "), "{}", ran.stdout);
}

#[test]
fn a_processor_that_nobody_configured_is_told_by_the_list_alone() {
    let world = world();
    world.install("probe");
    world.install("verification");
    let ran = world.host(&["run"]).exits(0);
    assert!(!ran.stdout.contains("verification") && ran.stderr.is_empty(), "{ran:?}");
    let listed = world.host(&["processors"]).exits(0).stdout;
    assert!(listed.contains("unavailable"), "{listed}");
    world.config("[processors.verification]\n");
    let ran = world.host(&["run"]).exits(1);
    assert!(ran.stdout.contains("verification is unavailable: "), "{}", ran.stdout);
}
