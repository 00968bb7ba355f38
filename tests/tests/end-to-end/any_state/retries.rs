//! When sessions that failed are attempted again: backoff, quarantine, and what ends them.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use session_host_tests::{Ran, World};

use crate::script::{NOTHING, counts, error, failed, processed, rows};

const SESSION: &str = "alice/a.jsonl";

/// A world with one session that fails, and these settings.
fn world_with(settings: &str) -> World {
    let world = World::new();
    world.install("probe");
    world.write(SESSION, error("no luck"));
    world.config(settings);
    world
}

/// What a run left out: how many sessions wait, and how many are in quarantine.
#[track_caller]
fn left_out(ran: &Ran) -> (u64, u64) {
    (ran.result().waiting, ran.result().quarantined)
}

/// Runs the probe and expects that the session is attempted, and fails.
#[track_caller]
fn is_attempted(world: &World) {
    let ran = world.run(&["probe"]).exits(1);
    assert_eq!((counts(&ran), left_out(&ran)), (failed(1), (0, 0)));
}

/// Runs the probe and expects that the session waits.
#[track_caller]
fn waits(world: &World) {
    let ran = world.run(&["probe"]).exits(0);
    assert_eq!((counts(&ran), left_out(&ran)), (NOTHING, (1, 0)));
}

/// Runs the probe and expects that the session is in quarantine.
#[track_caller]
fn is_quarantined(world: &World) {
    let ran = world.run(&["probe"]).exits(0);
    assert_eq!((counts(&ran), left_out(&ran)), (NOTHING, (0, 1)));
}

/// Lets so many seconds pass since the last attempt.
fn pass(world: &World, seconds: u64) {
    world.change_state(&format!(
        "UPDATE session_processor_failure SET last_failed_at = last_failed_at - INTERVAL '{seconds} seconds'"
    ));
}

fn status(world: &World) -> Value {
    world.host(&["status", "--json"]).exits(0).json()[0].clone()
}

#[test]
fn a_failing_session_waits_twice_as_long_after_each_failure() {
    let world = world_with("retry_backoff_seconds = 100_000\nretry_backoff_max_seconds = 10_000_000");
    is_attempted(&world);
    waits(&world);
    pass(&world, 49_000);
    waits(&world);
    pass(&world, 52_000);
    is_attempted(&world);
    pass(&world, 99_000);
    waits(&world);
    pass(&world, 102_000);
    is_attempted(&world);
    pass(&world, 199_000);
    waits(&world);
}

#[test]
fn no_wait_is_longer_than_the_longest() {
    let world = world_with("retry_backoff_seconds = 100_000\nretry_backoff_max_seconds = 100");
    for _ in 0..3 {
        is_attempted(&world);
        waits(&world);
        pass(&world, 101);
    }
}

#[test]
fn sessions_that_wait_are_counted_and_the_run_says_so() {
    let world = world_with("retry_backoff_seconds = 100_000");
    is_attempted(&world);
    world.write("alice/good.jsonl", rows(1));
    let ran = world.run(&["probe"]).exits(0);
    assert_eq!((counts(&ran), left_out(&ran)), (processed(1), (1, 0)));
    let table = world.host(&["run", "probe"]).exits(0).stdout;
    assert!(table.contains("probe did not attempt 1 failing sessions"), "{table}");
    assert!(table.contains("session-host retry probe"), "{table}");
    let status = status(&world);
    let counted = ["failing", "backlog", "waiting", "quarantined"].map(|count| &status[count]);
    assert_eq!(counted, [1, 1, 1, 0]);
    let table = world.host(&["status"]).exits(0).stdout;
    assert!(table.contains("waiting") && !table.contains("quarantined"), "{table}");
}

#[test]
fn a_change_of_the_transcript_ends_the_wait() {
    let world = world_with("retry_backoff_seconds = 100_000");
    is_attempted(&world);
    waits(&world);
    world.write(SESSION, error("no luck either"));
    is_attempted(&world);
    // It has failed once as it is now.
    pass(&world, 101_000);
    is_attempted(&world);
    world.write(SESSION, rows(1));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(world.count("session_processor_failure"), 0);
}

#[test]
fn what_failed_so_often_is_in_quarantine_until_it_changes() {
    let world = world_with("max_attempts = 2");
    is_attempted(&world);
    is_attempted(&world);
    is_quarantined(&world);
    let good = world.write("alice/good.jsonl", rows(1));
    let ran = world.run(&["probe"]).exits(0);
    assert_eq!((counts(&ran), left_out(&ran)), (processed(1), (0, 1)));
    fs::remove_file(good).unwrap();

    world.write(SESSION, error("no luck either"));
    is_attempted(&world);
    is_attempted(&world);
    is_quarantined(&world);
    let attempts = world.rows("SELECT attempts, counted_attempts FROM session_processor_failure");
    assert_eq!(attempts, [json!({"attempts": 4, "counted_attempts": 2})]);

    // The same text at another time is attempted once, and is no other transcript.
    world.age(SESSION, Duration::from_secs(3600));
    is_attempted(&world);
    is_quarantined(&world);

    world.write(SESSION, rows(2));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(world.count("session_processor_failure"), 0);
}

#[test]
fn lists_mark_what_is_in_quarantine() {
    let world = world_with("max_attempts = 1");
    is_attempted(&world);
    world.config("");
    let unmarked = world.host(&["failures", "--all", "--json"]).exits(0).json();
    assert_eq!(unmarked[0]["quarantined"], false);
    for arguments in [&["failures", "--all"][..], &["failures"]] {
        let table = world.host(arguments).exits(0).stdout;
        assert!(!table.contains("quarantined"), "{table}");
    }
    world.config("max_attempts = 1");
    let marked = world.host(&["failures", "--all", "--json"]).exits(0).json();
    assert_eq!(marked[0]["quarantined"], true);
    let causes = world.host(&["failures", "--json"]).exits(0).json();
    assert_eq!(
        (&causes[0]["sessions"], &causes[0]["quarantined"]),
        (&json!(1), &json!(1))
    );
    for arguments in [&["failures", "--all"][..], &["failures"], &["status"]] {
        let table = world.host(arguments).exits(0).stdout;
        assert!(table.contains("quarantined"), "{table}");
    }
    let status = status(&world);
    let counted = ["failing", "backlog", "waiting", "quarantined"].map(|count| &status[count]);
    assert_eq!(counted, [1, 0, 0, 1]);
    let table = world.host(&["run", "probe"]).exits(0).stdout;
    assert!(
        table.contains("probe did not attempt 1 failing sessions, because they are in quarantine"),
        "{table}"
    );
}

#[test]
fn the_setting_applies_to_what_failed_before_it_was_set() {
    let world = world_with("");
    for _ in 0..3 {
        is_attempted(&world);
    }
    world.config("max_attempts = 3");
    is_quarantined(&world);
    world.config("max_attempts = 4");
    is_attempted(&world);
    is_quarantined(&world);
    world.config("");
    is_attempted(&world);
}

#[test]
fn another_file_of_the_plugin_attempts_what_waits_or_is_in_quarantine() {
    for settings in ["max_attempts = 1", "retry_backoff_seconds = 100_000"] {
        let world = world_with(settings);
        is_attempted(&world);
        assert_eq!(world.run(&["probe"]).exits(0).result().scanned, 0);
        for plugin in ["probe_v2", "probe"] {
            world.install_as(plugin, "probe.so");
            is_attempted(&world);
            assert_eq!(world.run(&["probe"]).exits(0).result().scanned, 0);
        }
    }
}

#[test]
fn a_retry_attempts_what_waits_or_is_in_quarantine_and_counts_anew() {
    let world = world_with("max_attempts = 2");
    let other = "bob/b.jsonl";
    world.write(other, error("bad luck"));
    for _ in 0..2 {
        assert_eq!(counts(&world.run(&["probe"]).exits(1)), failed(2));
    }
    let quarantined = || left_out(&world.run(&["probe"]).exits(0)).1;
    assert_eq!(quarantined(), 2);
    let one = world.host(&["retry", "probe", SESSION, "--json"]).exits(1);
    assert_eq!((counts(&one), left_out(&one)), (failed(1), (0, 0)));
    is_attempted_beside(&world, 1);
    assert_eq!(quarantined(), 2);

    // What a retry does not get to is due at the next run.
    let capped = world
        .host(&["retry", "probe", "--json", "--max-sessions", "1"])
        .exits(1);
    assert_eq!((capped.result().errors, capped.result().capped), (1, 1));
    assert_eq!(counts(&world.run(&["probe"]).exits(1)), failed(2));
    is_attempted_beside(&world, 1);
    assert_eq!(quarantined(), 2);

    world.config("retry_backoff_seconds = 100_000");
    assert_eq!(left_out(&world.run(&["probe"]).exits(0)), (2, 0));
    assert_eq!(counts(&world.host(&["retry", "probe", "--json"]).exits(1)), failed(2));
}

/// Runs the probe and expects that one session is attempted, and so many are in quarantine.
#[track_caller]
fn is_attempted_beside(world: &World, quarantined: u64) {
    let ran = world.run(&["probe"]).exits(1);
    assert_eq!((counts(&ran), left_out(&ran)), (failed(1), (0, quarantined)));
}

#[test]
fn a_transcript_that_cannot_be_read_gets_there_too() {
    let world = world_with("max_attempts = 2\nmax_session_bytes = 10");
    is_attempted(&world);
    is_attempted(&world);
    is_quarantined(&world);
    assert_eq!(
        world.rows("SELECT file_hash, counted_attempts FROM session_processor_failure"),
        [json!({"file_hash": null, "counted_attempts": 2})]
    );
}
