//! Lines that are no record: what is whole in them is processed, and what is not is counted and told.

use serde_json::{Value, json};
use session_host_tests::World;

/// A response of the model, as the agent writes it, without a line break.
fn response(number: u32) -> String {
    let usage = json!({"input_tokens": number, "output_tokens": 1});
    json!({
        "type": "assistant", "uuid": format!("u{number}"), "sessionId": "s1", "timestamp": "2026-03-01T09:15:00Z",
        "requestId": format!("r{number}"),
        "message": {"id": format!("m{number}"), "role": "assistant", "model": "claude-sonnet-4-5", "usage": usage},
    })
    .to_string()
}

/// Four whole responses in spliced lines, of which the second and the third are not readable as a whole, and a torn end.
fn spliced() -> String {
    let [first, second, third, fourth] = [1, 2, 3, 4].map(response);
    let torn = &response(5)[..40];
    let zeros = "\0".repeat(512);
    format!("{first}{second}\n{torn}{third}\n{zeros}{fourth}\n{torn}")
}

/// A world with the usage processor and one transcript.
fn world(transcript: impl AsRef<[u8]>) -> World {
    let world = World::with(&["usage"]);
    world.write("alice/a.jsonl", transcript);
    world
}

fn tokens_in(world: &World) -> Value {
    let rows = world.rows("SELECT sum(input_tokens)::BIGINT AS tokens FROM usage_messages");
    rows[0]["tokens"].clone()
}

#[test]
fn whole_records_in_spliced_lines_are_processed() {
    let world = world(spliced());
    drop(world.run(&["usage"]).exits(0));
    assert_eq!(tokens_in(&world), 10);
}

#[test]
fn what_cannot_be_read_is_counted_in_the_result_the_state_and_the_status() {
    let world = world(spliced());
    let ran = world.run(&["usage"]).exits(0);
    let result = ran.result();
    assert_eq!(
        (result.processed, result.unrecognised, result.unreadable_lines),
        (1, 0, 2)
    );
    assert_eq!(
        world.rows("SELECT unreadable_lines, unrecognised FROM session_processor_state"),
        [json!({"unreadable_lines": 2, "unrecognised": false})]
    );
    let status = world.status();
    assert_eq!([&status["unreadable_lines"], &status["sessions"]], [2, 1]);
}

#[test]
fn what_cannot_be_read_is_told_with_session_and_lines() {
    let world = world(spliced());
    let ran = world.host(&["run", "usage"]).exits(0);
    let told = "usage could not read 2 lines of transcripts";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    let logged: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.contains("cannot be read"))
        .collect();
    assert_eq!(logged.len(), 1, "{}", ran.stderr);
    for part in ["alice/a.jsonl", "lines=2", "first=[2, 3]"] {
        assert!(logged[0].contains(part), "{part} is not in {}", logged[0]);
    }
}

#[test]
fn a_processor_that_reads_by_itself_leaves_the_counts_open() {
    let world = World::with(&["raw"]);
    world.write("alice/a.jsonl", "hello\n");
    let ran = world.run(&["raw"]).exits(0);
    assert_eq!((ran.result().processed, ran.result().unreadable_lines), (1, 0));
    assert_eq!(
        world.rows("SELECT unreadable_lines, unrecognised FROM session_processor_state"),
        [json!({"unreadable_lines": null, "unrecognised": null})]
    );
}

#[test]
fn a_byte_order_mark_and_utf_16_cost_nothing() {
    let text = format!("{}\n{}\n", response(3), response(4));
    let marked = format!("\u{feff}{text}");
    let little: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for transcript in [marked.as_bytes(), &little, &big] {
        let world = world(transcript);
        let ran = world.run(&["usage"]).exits(0);
        assert_eq!((tokens_in(&world), ran.result().unreadable_lines), (json!(7), 0));
        let sizes = world.rows("SELECT file_size FROM session_processor_state");
        assert_eq!(sizes, [json!({"file_size": transcript.len()})]);
        assert_eq!(world.run(&["usage"]).exits(0).result().processed, 0);
    }
}

#[test]
fn a_state_without_these_counts_is_widened_and_its_rows_count() {
    let world = world(response(1));
    drop(world.run(&["usage"]).exits(0));
    world.change_state(
        "ALTER TABLE session_processor_state DROP COLUMN unreadable_lines;
         ALTER TABLE session_processor_state DROP COLUMN unrecognised;
         DROP TABLE processor_reference_table;
         DROP TABLE processor_pause;
         DROP TABLE alert;
         DELETE FROM schema_migration WHERE owner = 'host' AND version > 1",
    );
    assert_eq!(world.run(&["usage"]).exits(0).result().processed, 0);
    let status = world.status();
    assert_eq!([&status["sessions"], &status["unreadable_lines"]], [1, 0]);
    assert_eq!(
        world.rows("SELECT unreadable_lines, unrecognised FROM session_processor_state"),
        [json!({"unreadable_lines": null, "unrecognised": null})]
    );
}
