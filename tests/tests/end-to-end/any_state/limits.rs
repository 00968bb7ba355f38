//! How far a run goes, and what comes first in the next one.

use std::time::Duration;

use serde_json::json;
use session_host_tests::World;

use crate::script::{capped, counts, error, processed, processed_sessions, rows, skipped};

/// A world with the probe and so many sessions, the first one the oldest.
fn world_of(sessions: u64) -> World {
    let world = World::with(&["probe"]);
    for number in 0..sessions {
        let session = format!("alice/{number}.jsonl");
        world.write(&session, rows(1));
        world.age(&session, Duration::from_secs(60 * (sessions - number)));
    }
    world
}

#[test]
fn a_cap_defers_the_younger_sessions_to_the_next_run() {
    let world = world_of(5);
    let ran = world.run(&["probe", "--max-sessions", "2"]).exits(0);
    assert_eq!(counts(&ran), processed(2) + capped(3));
    assert_eq!(processed_sessions(&world), ["alice/0.jsonl", "alice/1.jsonl"]);
    // Those of the first run have only just been written and are looked at again, which costs no place.
    drop(world.run(&["probe", "--max-sessions", "2"]).exits(0));
    assert_eq!(
        processed_sessions(&world),
        ["alice/0.jsonl", "alice/1.jsonl", "alice/2.jsonl", "alice/3.jsonl"]
    );
    drop(world.run(&["probe", "--max-sessions", "2"]).exits(0));
    assert_eq!(processed_sessions(&world).len(), 5);
}

#[test]
fn sessions_that_did_not_change_take_no_place_under_the_cap() {
    let world = world_of(4);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(4));
    world.write("alice/new.jsonl", rows(1));
    // A check before the last change of a transcript leaves it in doubt whether that is unchanged.
    let doubt = "UPDATE session_processor_state SET checked_at = checked_at - INTERVAL 1 HOUR";
    world.change_state(doubt);
    assert_eq!(
        counts(&world.run(&["probe", "--max-sessions", "1"]).exits(0)),
        processed(1) + skipped(4)
    );
    world.change_state(doubt);
    assert_eq!(
        counts(&world.run(&["probe", "--max-sessions", "1"]).exits(0)),
        skipped(5)
    );
}

#[test]
fn a_cap_of_none_attempts_nothing() {
    let world = world_of(3);
    let ran = world.run(&["probe", "--max-sessions", "0"]).exits(0);
    assert_eq!(counts(&ran), capped(3));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(3));
}

#[test]
fn no_time_attempts_nothing_and_is_no_error() {
    let world = world_of(3);
    let ran = world.run(&["probe", "--time-budget", "0"]).exits(0);
    assert_eq!(counts(&ran), capped(3));
    assert_eq!(world.count("session_processor_state"), 0);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(3));
}

#[test]
fn the_configuration_caps_runs_and_the_flag_overrides_it() {
    let world = world_of(3);
    world.config("max_sessions_per_run = 1");
    assert_eq!(world.run(&["probe"]).exits(0).result().processed, 1);
    assert_eq!(
        world.run(&["probe", "--max-sessions", "9"]).exits(0).result().processed,
        2
    );
}

#[test]
fn poison_sessions_never_starve_healthy_ones() {
    let world = World::with(&["probe"]);
    for (number, transcript) in [error("one"), error("two"), rows(1), rows(1), rows(1)]
        .iter()
        .enumerate()
    {
        let session = format!("alice/{number}.jsonl");
        world.write(&session, transcript);
        world.age(&session, Duration::from_secs(600 - 60 * number as u64));
    }
    // The poison ones are the oldest and come first, once each.
    for _ in 0..5 {
        drop(world.run(&["probe", "--max-sessions", "1"]));
    }
    assert_eq!(
        processed_sessions(&world),
        ["alice/2.jsonl", "alice/3.jsonl", "alice/4.jsonl"]
    );
}

#[test]
fn failing_sessions_are_tried_again_in_turn() {
    let world = World::with(&["probe"]);
    for session in ["alice/a.jsonl", "alice/b.jsonl", "alice/c.jsonl"] {
        world.write(session, error("no"));
    }
    for _ in 0..7 {
        drop(world.run(&["probe", "--max-sessions", "1"]).exits(1));
    }
    assert_eq!(
        world.rows("SELECT session_file, attempts FROM session_processor_failure ORDER BY session_file"),
        [
            json!({"session_file": "alice/a.jsonl", "attempts": 3}),
            json!({"session_file": "alice/b.jsonl", "attempts": 2}),
            json!({"session_file": "alice/c.jsonl", "attempts": 2})
        ]
    );
}

#[test]
fn a_session_over_the_limit_is_a_failure_and_is_not_read() {
    let world = World::with(&["probe"]);
    let large = rows(1) + &" ".repeat(1000);
    world.write("alice/large.jsonl", &large);
    world.write("alice/small.jsonl", rows(1));
    let ran = world.run(&["probe", "--max-session-bytes", "1000"]).exits(1);
    assert_eq!((ran.result().processed, ran.result().errors), (1, 1));
    assert_eq!(ran.result().bytes_read, rows(1).len() as u64);
    let error = format!(
        "the transcript has {} bytes, more than max_session_bytes (1000): raise the limit or split the file",
        large.len()
    );
    assert_eq!(ran.result().errors_detail[0].error, error);
    assert_eq!(
        world.rows("SELECT session_file, kind, file_hash FROM session_processor_failure"),
        [json!({"session_file": "alice/large.jsonl", "kind": "error", "file_hash": null})]
    );
    let ran = world.run(&["probe"]).exits(0);
    assert_eq!(ran.result().processed, 1);
    assert_eq!(world.count("session_processor_failure"), 0);
}

#[test]
fn sessions_larger_than_the_memory_budget_run_alone_and_all_of_them() {
    let world = world_of(20);
    let budget = ["probe", "--max-inflight-bytes", "1", "--workers", "4"];
    assert_eq!(counts(&world.run(&budget).exits(0)), processed(20));
    assert_eq!(world.count("probe_rows"), 20);
}
