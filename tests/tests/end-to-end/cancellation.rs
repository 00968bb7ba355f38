//! Attempts that ask how long they may go on, and stop when they should.

use std::{thread, time::Duration};

use serde_json::json;
use session_host_tests::{World, wait_until};

const GIVES_UP: &str = r#"{"do":"give_up_when_cancelled"}"#;

/// A world in which `alice/waits.jsonl` comes first and gives up when it should.
fn world() -> World {
    let world = World::new();
    world.install("probe");
    world.write("alice/waits.jsonl", GIVES_UP);
    world.age("alice/waits.jsonl", Duration::from_secs(60));
    world
}

#[test]
fn one_whose_own_time_is_over_fails_without_taking_the_processor_out_of_service() {
    let world = world();
    world.write("bob/b.jsonl", r#"{"do":"rows","count":1}"#);
    let ran = world.run(&["--attempt-timeout", "10", "--workers", "1"]).exits(1);
    let result = ran.result();
    assert_eq!(
        (result.processed, result.errors, result.capped),
        (1, 1, 0),
        "{}",
        ran.stderr
    );
    let failed = world.rows("SELECT session_file, kind, error FROM session_processor_failure");
    assert_eq!(
        failed,
        [json!({
            "session_file": "alice/waits.jsonl", "kind": "timeout",
            "error": "gave up because attempt_timeout_seconds (10 s) is nearly over: told to stop; raise attempt_timeout_seconds if it needs longer",
        })]
    );
    assert!(!ran.stderr.contains("out of service"), "{}", ran.stderr);
}

#[test]
fn one_that_is_told_that_the_run_is_over_waits_for_the_next_run() {
    let world = World::new();
    world.install("probe");
    let steps = [
        json!({"do": "touch", "path": world.path("started")}).to_string(),
        json!({"do": "wait_for_file", "path": world.path("go-on")}).to_string(),
    ];
    world.write("alice/a.jsonl", steps.join("\n"));
    world.age("alice/a.jsonl", Duration::from_secs(60));
    world.write("bob/waits.jsonl", GIVES_UP);
    let running = world.start(&["run", "--json", "--time-budget", "4", "--workers", "1"]);
    wait_until("the first attempt is under way", || world.path("started").exists());
    // So much of the time budget is gone before the second attempt.
    thread::sleep(Duration::from_secs(1));
    std::fs::write(world.path("go-on"), "").unwrap();
    let ran = running.ends().exits(0);
    let result = ran.result();
    assert_eq!(
        (result.processed + result.unrecognised, result.errors, result.capped),
        (1, 0, 1),
        "{}",
        ran.stderr
    );
    assert_eq!(world.count("session_processor_failure"), 0);
}

#[test]
fn one_for_which_the_whole_time_budget_is_too_short_fails() {
    let world = world();
    for budget in ["1", "4", "16"] {
        let ran = world.run(&["--time-budget", budget, "--workers", "1"]);
        let result = ran.result();
        if result.errors == 0 {
            // The run needed so long to begin that the attempt did not have nearly the whole budget.
            assert_eq!((ran.status, result.capped), (0, 1), "{}", ran.stderr);
            continue;
        }
        assert_eq!((result.errors, result.capped), (1, 0), "{}", ran.stderr);
        let failed = &world.rows("SELECT kind, error FROM session_processor_failure")[0];
        assert_eq!(failed["kind"], json!("timeout"));
        let told = failed["error"].as_str().unwrap();
        assert!(told.contains(&format!("time_budget_seconds ({budget} s)")), "{told}");
        return;
    }
    panic!("no attempt had nearly the whole budget");
}

#[test]
fn the_deadline_is_that_of_the_attempt() {
    let world = World::new();
    world.install("probe");
    world.write("alice/a.jsonl", r#"{"do":"tell_deadline"}"#);
    drop(world.run(&["--attempt-timeout", "5000"]).exits(0));
    let seconds = world.rows("SELECT n FROM probe_rows")[0]["n"].as_i64().unwrap();
    assert!((4000..5000).contains(&seconds), "{seconds}");
}
