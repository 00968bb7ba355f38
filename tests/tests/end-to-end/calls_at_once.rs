//! In process isolation a run reads transcripts ahead, and calls the processor as often at once as `workers` says.

use std::time::Duration;

use serde_json::json;
use session_host_tests::{Held, Holdings, Running, World, children_of, wait_until};

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

/// Begins a run with an attempt that ends when it is told to, and with one that waits for its call meanwhile.
#[track_caller]
fn with_a_waiting_attempt(world: &World, limits: &[&str]) -> (Running, Held) {
    let steps = [
        json!({"do": "touch", "path": world.path("first")}),
        json!({"do": "give_up_when_cancelled"}),
    ];
    world.write("alice/first.jsonl", steps.map(|step| step.to_string()).join("\n"));
    world.age("alice/first.jsonl", Duration::from_secs(60));
    let waiting = Held::write(world, "alice/waiting.jsonl");
    let arguments = [&["run", "--json", "--workers", "1"], limits].concat();
    let running = world.start(&arguments);
    wait_until("the first attempt is under way", || world.path("first").exists());
    wait_until("another thread reads ahead", || {
        let threads = Holdings::of(running.id()).threads;
        threads.iter().filter(|name| name.starts_with("probe-")).count() == 2
    });
    (running, waiting)
}

#[test]
fn what_waits_for_its_call_when_the_run_is_told_to_stop_is_not_called() {
    let world = isolated();
    let (running, waiting) = with_a_waiting_attempt(&world, &[]);
    running.signal(libc::SIGTERM);
    let ran = running.ends();
    let result = ran.result();
    assert_eq!((result.processed, result.capped), (0, 2), "{}", ran.stderr);
    assert!(!waiting.has_started());
}

#[test]
fn what_waits_for_its_call_when_the_time_budget_is_over_is_not_called() {
    let world = isolated();
    let (running, waiting) = with_a_waiting_attempt(&world, &["--time-budget", "2"]);
    let ran = running.ends();
    let result = ran.result();
    assert_eq!(
        (result.processed, result.capped + result.errors),
        (0, 2),
        "{}",
        ran.stderr
    );
    assert!(!waiting.has_started());
}

#[test]
fn the_wait_for_a_call_is_no_time_of_the_attempt() {
    let world = isolated();
    world.write("alice/hangs.jsonl", r#"{"do":"hang"}"#);
    world.age("alice/hangs.jsonl", Duration::from_secs(60));
    world.write("alice/waits.jsonl", r#"{"do":"rows","count":1}"#);
    let ran = world.run(&["--workers", "1", "--attempt-timeout", "2"]).exits(1);
    assert_eq!((ran.result().processed, ran.result().errors), (1, 1), "{}", ran.stderr);
    assert_eq!(ran.result().errors_detail[0].session, "alice/hangs.jsonl");
    assert_eq!(world.count("probe_rows"), 1);
}
