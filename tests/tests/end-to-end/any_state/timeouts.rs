//! Attempts that never return.

use std::time::Duration;

use serde_json::json;
use session_host_tests::World;

/// A world in which `alice/bad.jsonl` never returns, and which comes first.
fn world_with(step: &str) -> World {
    let world = World::with(&["probe"]);
    world.write("alice/bad.jsonl", format!("{{\"do\":\"rows\",\"count\":1}}\n{step}\n"));
    world.age("alice/bad.jsonl", Duration::from_secs(60));
    world.write("alice/good.jsonl", r#"{"do":"rows","count":1}"#);
    world.write("bob/good.jsonl", r#"{"do":"rows","count":1}"#);
    world
}

const LIMITS: [&str; 4] = ["--attempt-timeout", "5", "--workers", "2"];

#[track_caller]
fn assert_abandoned(step: &str) {
    let world = world_with(step);
    let ran = world.run(&LIMITS).exits(1);
    let result = ran.result();
    assert_eq!(
        (result.scanned, result.processed, result.errors, result.capped),
        (3, 2, 1, 0)
    );
    assert_eq!(result.errors_detail[0].session, "alice/bad.jsonl");
    let failed = world.rows("SELECT session_file, kind, attempts FROM session_processor_failure");
    assert_eq!(
        failed,
        [json!({"session_file": "alice/bad.jsonl", "kind": "timeout", "attempts": 1})]
    );
    let kept = world.rows("SELECT session_file FROM probe_rows ORDER BY session_file");
    assert_eq!(
        kept,
        [
            json!({"session_file": "alice/good.jsonl"}),
            json!({"session_file": "bob/good.jsonl"})
        ]
    );

    world.write("carol/new.jsonl", r#"{"do":"rows","count":1}"#);
    let ran = world.run(&["--max-sessions", "1"]).exits(0);
    assert_eq!((ran.result().processed, ran.result().errors), (1, 0));
    let kept = world.rows("SELECT username FROM probe_rows WHERE username = 'carol'");
    assert_eq!(kept.len(), 1, "the one that hangs is tried last");
}

#[test]
fn the_section_of_a_processor_sets_its_own_time_out() {
    for isolation in ["in-process", "process"] {
        let world = world_with(r#"{"do":"hang"}"#);
        let text = format!("[isolation.probe]\nmode = \"{isolation}\"\nattempt_timeout_seconds = 10");
        world.config(&text);
        let ran = world.run(&["--attempt-timeout", "300", "--workers", "2"]).exits(1);
        assert_eq!((ran.result().processed, ran.result().errors), (2, 1), "{isolation}");
        let failed = world.rows("SELECT session_file, kind FROM session_processor_failure");
        let expected = json!({"session_file": "alice/bad.jsonl", "kind": "timeout"});
        assert_eq!(failed, [expected], "{isolation}");
    }
}

#[test]
fn in_the_plugins_own_code() {
    assert_abandoned(r#"{"do":"hang"}"#);
}

#[test]
fn in_a_query() {
    assert_abandoned(r#"{"do":"hang_in_query"}"#);
}

#[test]
fn the_rest_of_the_processors_still_run() {
    let world = World::with(&["probe", "probe_serial"]);
    let hang = json!({"do": "unless", "path": world.path("behave"), "then": {"do": "hang"}});
    world.write("alice/a.jsonl", hang.to_string());
    let ran = world.run(&["--attempt-timeout", "1", "--workers", "2"]).exits(1);
    let counts: Vec<_> = ran
        .results
        .iter()
        .map(|result| (result.processor.as_str(), result.errors))
        .collect();
    assert_eq!(counts, [("probe", 1), ("probe_serial", 1)]);

    std::fs::write(world.path("behave"), "").unwrap();
    let ran = world.run(&[]).exits(0);
    assert_eq!(
        (
            ran.result_of("probe").processed,
            ran.result_of("probe_serial").processed
        ),
        (1, 1)
    );
}

#[test]
fn one_that_hangs_gives_its_transaction_back_to_those_that_wait_for_it() {
    let world = World::with(&["probe"]);
    let count = r#"{"do":"execute","sql":"INSERT INTO probe_totals VALUES ('k', 1) ON CONFLICT (key) DO UPDATE SET n = n + 1"}"#;
    world.write("alice/hangs.jsonl", format!("{count}\n{{\"do\":\"hang\"}}\n"));
    world.age("alice/hangs.jsonl", Duration::from_secs(60));
    world.write("bob/waits.jsonl", format!("{count}\n{{\"do\":\"rows\",\"count\":1}}\n"));
    let ran = world.run(&LIMITS).exits(1);
    assert_eq!((ran.result().processed, ran.result().errors), (1, 1));
    assert_eq!(ran.result().errors_detail[0].session, "alice/hangs.jsonl");
    assert_eq!(world.rows("SELECT n FROM probe_totals"), [json!({"n": 1})]);
    assert_eq!(world.count("probe_rows"), 1);
}
