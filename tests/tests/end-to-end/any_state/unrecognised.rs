//! Transcripts that are none of this agent's: recorded as such, told, and left alone until they change.

use serde_json::json;
use session_host_tests::{RunResult, World};

/// What another agent writes.
const FOREIGN: &str = r#"{"timestamp":"2026-03-01T09:15:00Z","type":"session_meta","payload":{"id":"1","cwd":"/home"}}
{"timestamp":"2026-03-01T09:15:01Z","type":"response_item","payload":{"type":"message","role":"user","content":[]}}
"#;

const KNOWN: &str = r#"{"type":"last-prompt","lastPrompt":"tea","sessionId":"s1"}
"#;

const SHIPPED: [&str; 4] = ["errors", "search", "secrets", "usage"];

fn world() -> World {
    let world = World::new();
    for processor in SHIPPED {
        world.install(processor);
    }
    world
}

fn settled(result: &RunResult) -> (u64, u64, u64) {
    (result.scanned, result.processed, result.unrecognised)
}

#[test]
fn a_transcript_of_another_agent_is_recorded_as_unrecognised() {
    let world = world();
    world.write("alice/foreign.jsonl", FOREIGN);
    world.write("alice/known.jsonl", KNOWN);
    let ran = world.run(&SHIPPED).exits(0);
    for processor in SHIPPED {
        assert_eq!(settled(ran.result_of(processor)), (2, 1, 1), "{processor}");
    }
    let sql = "SELECT DISTINCT session_file, unrecognised FROM session_processor_state ORDER BY ALL";
    let expected = [
        json!({"session_file": "alice/foreign.jsonl", "unrecognised": true}),
        json!({"session_file": "alice/known.jsonl", "unrecognised": false}),
    ];
    assert_eq!(world.rows(sql), expected);
    let status = world.status();
    assert_eq!([&status["sessions"], &status["unrecognised"]], [1, 1]);
}

#[test]
fn an_unrecognised_transcript_is_told_and_left_alone_until_it_changes() {
    let world = world();
    world.write("alice/foreign.jsonl", FOREIGN);
    let ran = world.host(&["run", "usage"]).exits(0);
    assert!(
        ran.stdout.contains("usage found no known record in 1 transcripts"),
        "{}",
        ran.stdout
    );
    let told = |line: &&str| line.contains("alice/foreign.jsonl") && line.contains("holds no known record");
    assert_eq!(ran.stderr.lines().filter(told).count(), 1, "{}", ran.stderr);
    let again = world.run(&["usage"]).exits(0);
    assert_eq!((again.result().processed, again.result().unrecognised), (0, 0));
    world.write("alice/foreign.jsonl", format!("{FOREIGN}{KNOWN}"));
    assert_eq!(settled(world.run(&["usage"]).exits(0).result()), (1, 1, 0));
}

#[test]
fn of_many_unrecognised_transcripts_the_first_are_told_and_all_are_counted() {
    let world = world();
    for number in 0..9 {
        world.write(&format!("alice/{number}.jsonl"), FOREIGN);
    }
    let ran = world.run(&["usage"]).exits(0);
    assert_eq!(settled(ran.result()), (9, 0, 9));
    assert_eq!(ran.stderr.matches("holds no known record").count(), 5, "{}", ran.stderr);
    ran.tells("9 transcripts hold no known record");
}

#[test]
fn an_empty_transcript_and_one_that_begins_to_be_written_are_none() {
    let world = world();
    world.write("alice/empty.jsonl", "");
    world.write("alice/blank.jsonl", "\n\n");
    world.write("alice/torn.jsonl", r#"{"type":"us"#);
    let ran = world.run(&SHIPPED).exits(0);
    for processor in SHIPPED {
        assert_eq!(settled(ran.result_of(processor)), (3, 3, 0), "{processor}");
    }
}

#[test]
fn what_a_processor_takes_is_recognised_whatever_it_is() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", "{\"do\":\"rows\",\"count\":1}\n");
    world.write("alice/b.jsonl", "{\"do\":\"nothing that it knows\"}\n");
    assert_eq!(settled(world.run(&["probe"]).exits(0).result()), (2, 1, 1));
}

#[test]
fn what_no_record_begins_with_is_unreadable_also_at_the_end_of_a_file() {
    let world = world();
    world.write("alice/words.jsonl", "hello world");
    world.write("alice/zeros.jsonl", [0; 4096]);
    world.write("alice/padded.jsonl", format!("{KNOWN}\0\0\0\0"));
    world.write("alice/being-written.jsonl", format!("{KNOWN}{{\"type\":\"us"));
    let ran = world.run(&["usage"]).exits(0);
    assert_eq!(settled(ran.result()), (4, 2, 2));
    let rows = world.rows(
        "SELECT session_file, unreadable_lines FROM session_processor_state
         WHERE NOT unrecognised ORDER BY session_file",
    );
    let expected = [
        json!({"session_file": "alice/being-written.jsonl", "unreadable_lines": 0}),
        json!({"session_file": "alice/padded.jsonl", "unreadable_lines": 1}),
    ];
    assert_eq!(rows, expected);
}
