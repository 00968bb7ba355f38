//! Plugins that misbehave in an attempt: what a worker process does costs its own session, and nothing else.

use std::time::Duration;

use serde_json::{Value, json};
use session_host_tests::{
    World, wait_until,
    zoo::{FAILURES, MISDEEDS, Misdeed, NEIGHBOURS, check_failures},
};

use crate::{isolation::tables_of, script::script};

/// All that the neighbours gave.
fn rows_of_neighbours(world: &World) -> Vec<(String, Vec<Value>)> {
    NEIGHBOURS
        .iter()
        .flat_map(|neighbour| tables_of(world, neighbour))
        .collect()
}

#[test]
fn each_misdeed_fails_its_own_session_alone() {
    let world = World::with_zoo();
    world.write_misdeeds(MISDEEDS, 0);
    let ran = world.run(&["--attempt-timeout", "10"]).exits(1);
    check_failures(MISDEEDS, &world.rows(FAILURES));
    let failed: Vec<_> = ran
        .results
        .iter()
        .map(|result| (&*result.processor, result.errors > 0))
        .collect();
    assert_eq!(failed, [("errors", false), ("usage", false), ("zoo", true)]);

    let alone = World::with_neighbours();
    alone.write_misdeeds(MISDEEDS, 0);
    drop(alone.run(&[]).exits(0));
    assert_eq!(rows_of_neighbours(&world), rows_of_neighbours(&alone));
    wait_until("no process is left", || world.processes().is_empty());
}

#[test]
fn a_misdeed_that_is_undone_is_forgotten() {
    let world = World::with_zoo();
    let quick = || MISDEEDS.iter().filter(|misdeed| misdeed.ends_at_once);
    world.write_misdeeds(quick(), 0);
    drop(world.run(&["zoo"]).exits(1));
    for misdeed in quick() {
        world.write(&misdeed.session(), "{\"zoo\":\"nothing\"}\n");
    }
    drop(world.run(&["zoo"]).exits(0));
    assert_eq!(world.count("session_processor_failure"), 0);
}

#[test]
fn a_limit_on_processor_time_ends_what_spins() {
    let world = World::with_zoo();
    world.config("[isolation.zoo]\nmode = \"process\"\ncpu_limit = 1\n");
    world.write("zoo/spin.jsonl", script(&[json!({"zoo": "spin"})]));
    drop(world.run(&["zoo"]).exits(1));
    let failures = world.rows(FAILURES);
    assert_eq!(failures[0]["kind"], "timeout", "{failures:?}");
    let error = failures[0]["error"].as_str().unwrap();
    assert!(error.contains("SIGXCPU ended the worker process"), "{error}");
    assert!(error.contains("cpu_limit (1 s)"), "{error}");
}

/// A world in which all sessions of the zoo share one worker.
fn world_of_one_worker() -> World {
    let mut world = World::new();
    world.install("zoo");
    world.config("[isolation]\ndefault = \"process\"\n");
    world.set_variable("SESSION_HOST_WORKERS", "1");
    world
}

/// What one session leaves behind in a worker meets the next one, which is processed when it is attempted again.
#[test]
fn what_is_left_behind_in_a_worker_ends_with_it() {
    for leaves in [
        "limit_descriptors",
        "change_surroundings",
        "leave_thread",
        "flood",
        "fork_and_stay",
    ] {
        let world = world_of_one_worker();
        for (session, deed) in [("a/1", leaves), ("a/2", "nothing"), ("a/3", "nothing")] {
            world.write(&format!("{session}.jsonl"), script(&[json!({"zoo": deed})]));
        }
        drop(world.run(&[]));
        for _ in 0..2 {
            drop(world.host(&["retry", "zoo"]));
        }
        assert_eq!(world.count("session_processor_failure"), 0, "{leaves}");
        assert_eq!(world.count("session_processor_state"), 3, "{leaves}");
        wait_until("no process is left", || world.processes().is_empty());
    }
}

/// What the host survives even in its own process.
#[test]
fn in_the_process_of_the_host_what_does_no_harm_does_none() {
    let mut world = World::with_neighbours();
    world.install("zoo");
    world.config("[isolation]\ndefault = \"in-process\"\n");
    world.set_variable("SESSION_HOST_WORKERS", "2");
    let survives = |misdeed: &&Misdeed| ["leave_thread", "park", "spin"].contains(&misdeed.name);
    world.write_misdeeds(MISDEEDS.iter().filter(survives), 0);
    drop(world.run(&["--attempt-timeout", "10"]).exits(1));
    check_failures(MISDEEDS.iter().filter(survives), &world.rows(FAILURES));
}

#[test]
fn the_output_of_one_session_explains_no_other() {
    let world = world_of_one_worker();
    world.write("alice/floods.jsonl", script(&[json!({"zoo": "flood"})]));
    world.age("alice/floods.jsonl", Duration::from_secs(3600));
    world.write("bruno/crashes.jsonl", script(&[json!({"zoo": "null_write"})]));
    drop(world.run(&[]).exits(1));
    let failures = world.rows(FAILURES);
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0]["session_file"], "bruno/crashes.jsonl");
    assert_eq!(failures[0]["error"], "SIGSEGV ended the worker process");
}
