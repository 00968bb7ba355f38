//! What becomes of sessions that fail.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use session_host_tests::World;

use crate::script::{NOTHING, counts, error, execute, failed, processed, rows, script};

fn world_with(session: &str, transcript: &str) -> World {
    let world = World::with(&["probe"]);
    world.write(session, transcript);
    world
}

fn failure(world: &World) -> Value {
    let mut failures = world.rows(
        "SELECT *, first_failed_at = last_failed_at AS once, first_failed_at < last_failed_at AS again
         FROM session_processor_failure",
    );
    assert_eq!(failures.len(), 1);
    failures.remove(0)
}

#[test]
fn a_session_that_fails_leaves_a_record_and_nothing_else() {
    let half_done = script(&[
        json!({"do": "rows", "count": 3}),
        execute("INSERT INTO probe_totals VALUES ('k', 1)"),
        json!({"do": "error", "message": "out of ideas"}),
    ]);
    let world = world_with("alice/a.jsonl", &half_done);
    let ran = world.run(&["probe"]).exits(1);
    assert_eq!(counts(&ran), failed(1));
    let [detail] = ran.result().errors_detail.as_slice() else {
        panic!("one failure expected")
    };
    assert_eq!(
        (detail.session.as_str(), detail.error.as_str()),
        ("alice/a.jsonl", "out of ideas")
    );

    for table in ["probe_rows", "probe_totals", "session_processor_state"] {
        assert_eq!(world.count(table), 0, "{table}");
    }
    let failure = failure(&world);
    assert_eq!(
        [
            &failure["processor_name"],
            &failure["session_file"],
            &failure["username"]
        ],
        ["probe", "alice/a.jsonl", "alice"]
    );
    assert_eq!([&failure["kind"], &failure["error"]], ["error", "out of ideas"]);
    assert_eq!((&failure["attempts"], &failure["once"]), (&json!(1), &json!(true)));
    assert_eq!(failure["file_hash"].as_str().map(str::len), Some(32));
}

#[test]
fn every_further_attempt_is_counted_and_a_success_ends_it() {
    let world = world_with("alice/a.jsonl", &error("first"));
    drop(world.run(&["probe"]).exits(1));
    let first = failure(&world)["first_failed_at"].clone();
    world.write("alice/a.jsonl", error("second"));
    assert_eq!(counts(&world.run(&["probe"]).exits(1)), failed(1));
    assert_eq!(counts(&world.run(&["probe"]).exits(1)), failed(1));
    let last = failure(&world);
    assert_eq!((&last["attempts"], &last["error"]), (&json!(3), &json!("second")));
    assert_eq!((&last["first_failed_at"], &last["again"]), (&first, &json!(true)));

    world.write("alice/a.jsonl", rows(2));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(world.count("session_processor_failure"), 0);
    assert_eq!(world.count("probe_rows"), 2);
}

#[test]
fn a_version_that_fails_leaves_the_rows_of_the_one_before() {
    let world = world_with("alice/a.jsonl", &rows(2));
    drop(world.run(&["probe"]).exits(0));
    let state = "SELECT * FROM session_processor_state";
    let before = world.rows(state);
    world.write("alice/a.jsonl", rows(5) + &error("not now"));
    assert_eq!(counts(&world.run(&["probe"]).exits(1)), failed(1));
    assert_eq!(world.rows(state), before);
    assert_eq!(world.count("probe_rows"), 2);
}

#[test]
fn the_version_before_ends_the_failure_when_it_comes_back() {
    let world = world_with("alice/a.jsonl", &rows(2));
    drop(world.run(&["probe"]).exits(0));
    world.write("alice/a.jsonl", error("not now"));
    drop(world.run(&["probe"]).exits(1));
    assert_eq!(world.count("session_processor_failure"), 1);
    world.write("alice/a.jsonl", rows(2));
    assert_eq!(world.run(&["probe"]).exits(0).result().skipped, 1);
    assert_eq!(world.count("session_processor_failure"), 0);
}

#[test]
fn a_result_names_a_hundred_failures_and_the_table_all() {
    let world = World::with(&["probe"]);
    for number in 0..120 {
        world.write(&format!("alice/{number}.jsonl"), error("no"));
    }
    world.write("alice/good.jsonl", rows(1));
    let ran = world.run(&["probe"]).exits(1);
    assert_eq!(counts(&ran), processed(1) + failed(120));
    assert_eq!(ran.result().errors_detail.len(), 100);
    assert_eq!(world.count("session_processor_failure"), 120);
}

#[test]
fn a_message_of_any_text_is_kept_as_it_is() {
    let message = "line one\nline two \u{1} \u{1f980} 'quoted' \"twice\"";
    let world = world_with("alice/a.jsonl", &error(message));
    let ran = world.run(&["probe"]).exits(1);
    assert_eq!(ran.result().errors_detail[0].error, message);
    assert_eq!(failure(&world)["error"], message);
}

#[test]
fn a_session_that_fails_for_one_processor_is_processed_by_another() {
    let world = World::with(&["probe", "probe_other"]);
    let only_the_probe_fails = script(&[
        json!({"do": "rows", "count": 1}),
        json!({"do": "rows", "count": 1, "table": "probe_other_notes"}),
    ]);
    world.write("alice/a.jsonl", only_the_probe_fails);
    let ran = world.run(&[]).exits(1);
    assert_eq!(ran.result_of("probe").errors, 1);
    assert_eq!(ran.result_of("probe_other").processed, 1);
    assert_eq!(
        world.rows("SELECT processor_name FROM session_processor_failure"),
        [json!({"processor_name": "probe"})]
    );
}

#[test]
fn failures_are_listed_the_latest_first() {
    let world = world_with("alice/a.jsonl", &error("no luck"));
    drop(world.run(&["probe"]).exits(1));
    world.write("bob/b.jsonl", error("bad luck"));
    drop(world.run(&["probe", "--max-sessions", "1"]).exits(1));
    let listed = world.host(&["failures", "--all", "--json"]).exits(0).json();
    let listed: Vec<_> = listed.as_array().unwrap().iter().collect();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        [&listed[0]["session"], &listed[1]["session"]],
        ["bob/b.jsonl", "alice/a.jsonl"]
    );
    let keys: Vec<&String> = listed[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "attempts",
            "error",
            "first_failed_at",
            "kind",
            "last_failed_at",
            "processor",
            "quarantined",
            "session",
            "username"
        ]
    );
    let table = world.host(&["failures", "probe", "--all"]).exits(0);
    assert!(
        table.stdout.contains("no luck") && table.stdout.contains("bad luck"),
        "{}",
        table.stdout
    );
    let none = world.host(&["failures", "probe_other", "--json"]).exits(0);
    assert_eq!(none.json(), json!([]));
}

#[test]
fn a_session_that_is_left_for_later_is_no_failure_and_ends_the_run() {
    let mut world = World::with(&["probe"]);
    world.set_variable("SESSION_HOST_WORKERS", "1");
    let opened = world.path("opened");
    let closed = json!({"do": "not_now", "reason": "the budget is spent"});
    let steps = [
        json!({"do": "unless", "path": opened, "then": closed}),
        json!({"do": "rows", "count": 1}),
    ];
    for (number, session) in ["alice/a.jsonl", "alice/b.jsonl", "alice/c.jsonl"]
        .into_iter()
        .enumerate()
    {
        let steps = if number == 0 { &steps[1..] } else { &steps[..] };
        world.write(session, script(steps));
        world.age(session, Duration::from_secs(3600 - number as u64));
    }
    let ran = world.run(&[]).exits(0);
    let result = ran.result();
    assert_eq!((result.processed, result.capped, result.errors), (1, 2, 0));
    ran.tells("the budget is spent");
    assert_eq!(
        (
            world.count("session_processor_failure"),
            world.count("session_processor_state")
        ),
        (0, 1)
    );
    std::fs::write(&opened, "").unwrap();
    assert_eq!(world.run(&[]).exits(0).result().processed, 2);
}

#[test]
fn what_only_a_version_that_was_rolled_back_failed_fails_no_longer() {
    let world = World::with(&["probe"]);
    world.config("");
    let broken = world.path("broken");
    let good = world.path("good");
    fs::write(&good, "").unwrap();
    let steps = [
        json!({"do": "rows", "count": 1}),
        json!({"do": "unless", "path": good, "then": {"do": "error", "message": "a bad release"}}),
    ];
    for session in ["alice/a.jsonl", "alice/b.jsonl"] {
        world.write(session, script(&steps));
    }
    drop(world.run(&["probe"]).exits(0));
    world.change_state("UPDATE session_processor_state SET checked_at = checked_at + INTERVAL 1 HOUR");
    fs::rename(&good, &broken).unwrap();
    world.install_as("probe_v2", "probe.so");
    assert_eq!(counts(&world.run(&["probe"]).exits(1)), failed(2));
    let failing = || world.status()["failing"].clone();
    assert_eq!(failing(), 2);
    world.install_as("probe", "probe.so");
    for command in [["retry", "probe", "--json"], ["run", "probe", "--json"]] {
        assert_eq!(counts(&world.host(&command).exits(0)), NOTHING);
        assert_eq!(failing(), 0);
        assert_eq!(world.count("session_processor_failure"), 0);
    }
    // The version that fails is back: so are the failures.
    world.install_as("probe_v2", "probe.so");
    assert_eq!(counts(&world.run(&["probe"]).exits(1)), failed(2));
    assert_eq!(failing(), 2);
}

#[test]
fn a_cause_that_hits_every_session_is_one_row_and_two_lines() {
    let world = World::with(&["probe"]);
    for number in 0..300 {
        let message = format!("no space for alice/{number}.jsonl: {} bytes are missing", number * 7);
        world.write(&format!("alice/{number}.jsonl"), error(&message));
    }
    world.write("bob/other.jsonl", error(&"something else ".repeat(40)));
    let ran = world.run(&["probe"]).exits(1);
    let lines = ran.stderr.matches("no space for").count();
    assert_eq!(lines, 2, "{}", ran.stderr);
    ran.tells("300 sessions failed from one cause");

    let causes = world.host(&["failures", "--json"]).exits(0).json();
    let sessions: Vec<&Value> = causes
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| &cause["sessions"])
        .collect();
    assert_eq!(sessions, [300, 1]);
    for arguments in [&["failures"][..], &["failures", "--all"]] {
        let table = world.host(arguments).exits(0).stdout;
        let widest = table.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{arguments:?}\n{table}");
    }
    let all = world.host(&["failures", "--all", "--limit", "7"]).exits(0).stdout;
    assert!(all.contains("and 294 more sessions: --limit 301"), "{all}");
    let listed = world.host(&["failures", "--all", "--json", "--limit", "1000"]).exits(0);
    assert_eq!(listed.json().as_array().unwrap().len(), 301);
    let runs = world.host(&["runs"]).exits(0).stdout;
    assert!(runs.contains("no space") || runs.contains("something"), "{runs}");
}
