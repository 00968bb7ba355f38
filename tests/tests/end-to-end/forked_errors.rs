//! Errors of a session that was forked: each is one, however many files tell of it.

use serde_json::{Value, json};
use session_host_tests::World;

/// A failing call and a refused request, in a file that stamps its lines with names of its own.
fn transcript(file: &str, call: &str) -> String {
    let used = json!({"type": "tool_use", "id": call, "name": "Bash", "input": {"command": "make"}});
    let failed = json!({"type": "tool_result", "tool_use_id": call, "is_error": true, "content": "Exit code 2"});
    let refused = json!({"type": "text", "text": "API Error: 529 Overloaded"});
    let lines: [Value; 3] = [
        json!({"type": "assistant", "message": {"content": [used]}}),
        json!({"type": "user", "message": {"content": [failed]}}),
        json!({"type": "assistant", "isApiErrorMessage": true, "message": {"content": [refused]}}),
    ];
    let stamped = lines.into_iter().enumerate().map(|(number, mut line)| {
        line["uuid"] = json!(format!("{file}-{number}"));
        line["sessionId"] = json!(file);
        line["timestamp"] = json!(format!("2026-11-01T10:00:0{number}Z"));
        format!("{line}\n")
    });
    stamped.collect()
}

#[test]
fn an_error_that_a_fork_repeats_counts_once() {
    let world = World::with(&["errors"]);
    world.write("alice/first.jsonl", transcript("first", "toolu_1"));
    world.write("alice/fork.jsonl", transcript("fork", "toolu_1"));
    // Another maker's identifiers are as good where chance made them, also at another time.
    let of_bedrock = transcript("bedrock", "tooluse_kZJMlvQmRJ6-eAyJ");
    world.write("alice/bedrock.jsonl", &of_bedrock);
    world.write("alice/bedrock-fork.jsonl", of_bedrock.replace("T10", "T12"));
    world.write(
        "alice/other.jsonl",
        transcript("other", "toolu_2").replace("T10", "T11"),
    );
    drop(world.run(&[]).exits(0));
    assert_eq!(world.count("session_errors"), 10);
    assert_eq!(
        world.rows("SELECT class, errors FROM error_daily ORDER BY class"),
        [
            json!({"class": "api_overloaded", "errors": 3}),
            json!({"class": "exit_nonzero", "errors": 3})
        ]
    );
}
