//! In process isolation a run reads transcripts ahead, and calls the processor as often at once as `workers` says.

use std::time::Duration;

use serde_json::json;
use session_host_tests::{Held, Running, World, children_of, wait_until};

/// A world of a probe in process isolation.
fn isolated() -> World {
    let mut world = World::with(&["probe"]);
    world.set_variable("SESSION_HOST_ISOLATION", "process");
    world
}

#[test]
fn no_more_attempts_and_processes_than_workers() {
    let world = isolated();
    let mut held: Vec<Held> = (0..6)
        .map(|number| Held::write(&world, &format!("alice/{number}.jsonl")))
        .collect();
    let running = world.start(&["run", "--json", "--workers", "2"]);
    while !held.is_empty() {
        let at_once = held.len().min(2);
        wait_until("as many attempts are under way as may be", || {
            assert!(children_of(running.id()).len() <= 2);
            let under_way = held.iter().filter(|held| held.has_started()).count();
            assert!(under_way <= 2, "{under_way} attempts are under way");
            under_way == at_once
        });
        let started = held.iter().position(Held::has_started).unwrap();
        held.swap_remove(started).let_go();
    }
    let ran = running.ends().exits(0);
    assert_eq!(ran.result().processed, 6);
    assert_eq!(world.count("probe_rows"), 6);
}

const ATTEMPTS: [&str; 2] = ["one", "other"];

/// Begins a run of two attempts that end when they are told to. One of them waits for its call while the other is called.
fn with_a_waiting_attempt(world: &World, limits: &[&str]) -> Running {
    for name in ATTEMPTS {
        let steps = [
            json!({"do": "touch", "path": world.path(name)}),
            json!({"do": "give_up_when_cancelled"}),
        ];
        let transcript = steps.map(|step| step.to_string()).join("\n");
        world.write(&format!("alice/{name}.jsonl"), transcript);
    }
    world.start(&[&["run", "--json", "--workers", "1"], limits].concat())
}

/// How many of the attempts were called.
fn called(world: &World) -> usize {
    ATTEMPTS.iter().filter(|name| world.path(name).exists()).count()
}

#[test]
fn what_waits_for_its_call_when_the_run_is_told_to_stop_is_not_called() {
    let world = isolated();
    let running = with_a_waiting_attempt(&world, &[]);
    wait_until("an attempt is under way", || called(&world) == 1);
    running.signal(libc::SIGTERM);
    let ran = running.ends();
    let result = ran.result();
    assert_eq!((result.processed, result.capped), (0, 2), "{}", ran.stderr);
    assert_eq!(called(&world), 1);
}

#[test]
fn what_waits_for_its_call_when_the_time_budget_is_over_is_not_called() {
    let world = isolated();
    let ran = with_a_waiting_attempt(&world, &["--time-budget", "8"]).ends();
    let result = ran.result();
    assert_eq!(
        (result.processed, result.capped + result.errors),
        (0, 2),
        "{}",
        ran.stderr
    );
    assert_eq!(called(&world), 1);
}

#[test]
fn the_wait_for_a_call_is_no_time_of_the_attempt() {
    let world = isolated();
    world.write("alice/hangs.jsonl", r#"{"do":"hang"}"#);
    world.age("alice/hangs.jsonl", Duration::from_secs(60));
    world.write("alice/waits.jsonl", r#"{"do":"rows","count":1}"#);
    let ran = world.run(&["--workers", "1", "--attempt-timeout", "10"]).exits(1);
    assert_eq!((ran.result().processed, ran.result().errors), (1, 1), "{}", ran.stderr);
    assert_eq!(ran.result().errors_detail[0].session, "alice/hangs.jsonl");
    assert_eq!(world.count("probe_rows"), 1);
}
