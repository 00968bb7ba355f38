//! What plugins write to the log, in both of its formats.

use serde_json::{Value, json};
use session_host_tests::World;

fn world() -> World {
    let world = World::with(&["probe"]);
    let steps = [
        json!({"do": "log", "level": "error", "message": "first"}),
        json!({"do": "log", "level": "info", "message": "second"}),
        json!({"do": "log", "level": "debug", "message": "third"}),
        json!({"do": "event", "message": "fourth", "number": 7}),
    ];
    world.write("alice/a.jsonl", steps.map(|step| step.to_string()).join("\n"));
    world
}

fn of_the_plugin(entry: &&Value) -> bool {
    entry["target"] == "plugin"
}

#[test]
fn as_json_they_name_processor_and_session() {
    let ran = world().run(&["--log-format", "json", "-v"]).exits(0);
    let log = ran.log();
    let entries: Vec<&Value> = log.iter().filter(of_the_plugin).collect();
    let told: Vec<(&str, &str)> = entries
        .iter()
        .map(|entry| {
            (
                entry["level"].as_str().unwrap(),
                entry["fields"]["message"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [("ERROR", "first"), ("INFO", "second"), ("WARN", "fourth number=7")]
    );
    for entry in entries {
        assert_eq!(entry["fields"]["processor"], "probe");
        let spans = entry["spans"].as_array().unwrap();
        let names: Vec<&Value> = spans.iter().map(|span| &span["name"]).collect();
        assert_eq!(names, ["run", "attempt"]);
        assert_eq!(
            (&spans[0]["processor"], &spans[1]["session"]),
            (&json!("probe"), &json!("alice/a.jsonl"))
        );
    }
}

#[test]
fn as_text_they_stand_within_run_and_attempt() {
    let ran = world().run(&["-v"]).exits(0);
    let line = ran.stderr.lines().find(|line| line.contains("second")).unwrap();
    let parts = [
        "INFO",
        "run{processor=probe",
        "attempt{session=alice/a.jsonl",
        "plugin:",
        "processor=\"probe\"",
    ];
    for part in parts {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
}

#[test]
fn only_what_is_asked_for_is_written() {
    let quiet = world().run(&[]).exits(0);
    let messages: Vec<bool> = ["first", "second", "third", "fourth"]
        .map(|word| quiet.stderr.contains(word))
        .into();
    assert_eq!(messages, [true, false, false, true], "{}", quiet.stderr);
    let verbose = world().run(&["-vv"]).exits(0);
    verbose.tells("third");
}

#[test]
fn runs_and_attempts_tell_outcome_and_duration() {
    let ran = world().run(&["--log-format", "json", "-vv"]).exits(0);
    let log = ran.log();
    for (message, name, outcome) in [
        ("the run has ended", "run", "ok"),
        ("the attempt ended", "attempt", "processed"),
    ] {
        let ended = log.iter().find(|entry| entry["fields"]["message"] == message);
        let span = &ended.unwrap()["span"];
        assert_eq!((&span["name"], &span["outcome"]), (&json!(name), &json!(outcome)));
        assert!(span["duration_ms"].is_u64());
    }
}
