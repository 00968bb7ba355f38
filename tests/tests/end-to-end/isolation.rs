//! Where the code of a processor runs makes no difference to what it gives.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use session_host_tests::{World, repository};
use walkdir::WalkDir;

use crate::script::{execute, script};

/// Columns that tell when something was processed.
const TIMES: [&str; 3] = ["processed_at", "checked_at", "file_mtime"];

/// The rows of each table of a processor, and of the sessions that it has processed.
#[track_caller]
pub(crate) fn tables_of(world: &World, processor: &str) -> Vec<(String, Vec<Value>)> {
    let owned = format!("SELECT table_name FROM processor_table WHERE owner = '{processor}' ORDER BY ALL");
    let owned = world.rows(&owned);
    let mut tables: Vec<(String, Vec<Value>)> = owned
        .iter()
        .map(|table| {
            let table = table["table_name"].as_str().unwrap();
            (
                table.to_owned(),
                world.rows(&format!("SELECT * FROM {table} ORDER BY ALL")),
            )
        })
        .collect();
    let mut sessions = world.rows(&format!(
        "SELECT * FROM session_processor_state WHERE processor_name = '{processor}' ORDER BY ALL"
    ));
    for session in &mut sessions {
        let columns = session.as_object_mut().unwrap();
        columns.retain(|column, _| !TIMES.contains(&column.as_str()));
    }
    tables.push((format!("sessions of {processor}"), sessions));
    tables
}

/// A world of a processor, configured for the sample transcripts.
fn world_of(processor: &str) -> World {
    let mut world = World::new();
    world.install(processor);
    let samples = repository().join("tests/transcripts/config.toml");
    world.config(&fs::read_to_string(samples).unwrap());
    world.set_variable("SESSION_HOST_RECURSIVE", "true");
    world
}

/// Gives all transcripts one time of their last change: a line without a time gets that.
fn change_at_once(sessions: &Path) {
    let files = WalkDir::new(sessions).into_iter().filter_map(Result::ok);
    for file in files.filter(|file| file.file_type().is_file()) {
        let file = fs::File::options().append(true).open(file.path()).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_770_000_000))
            .unwrap();
    }
}

/// All that a processor makes of the sample transcripts, with its code in this place, from the state of this world on.
fn tables_with(mode: &str, processor: &str, begun: &World) -> Vec<(String, Vec<Value>)> {
    let mut world = world_of(processor);
    world.write_samples();
    change_at_once(&world.sessions());
    world.set_variable("SESSION_HOST_ISOLATION", mode);
    world.copy_state_of(begun);
    drop(world.run(&[]).exits(0));
    tables_of(&world, processor)
}

#[test]
fn rows_are_the_same_in_either_mode() {
    for processor in ["errors", "search", "secrets", "usage"] {
        // The salt that a processor has drawn at random with its first session is the same then.
        let begun = world_of(processor);
        if processor == "secrets" {
            begun.write(
                "begun/a.jsonl",
                include_bytes!("../../transcripts/bruno/rain-gauge.jsonl"),
            );
        }
        drop(begun.run(&[]).exits(0));
        let here = tables_with("in-process", processor, &begun);
        let there = tables_with("process", processor, &begun);
        assert!(here.iter().all(|(_, rows)| !rows.is_empty()), "{processor}: {here:?}");
        assert_eq!(here, there, "{processor}");
    }
}

/// All that two processors make of the sample transcripts, of one in UTF-16, and of an empty one, with this isolation.
fn tables_together(isolation: &str) -> [Vec<(String, Vec<Value>)>; 2] {
    let processors = ["errors", "usage"];
    let mut world = World::with(&processors);
    let samples = fs::read_to_string(repository().join("tests/transcripts/config.toml")).unwrap();
    world.config(&format!("{samples}\n{isolation}"));
    world.set_variable("SESSION_HOST_RECURSIVE", "true");
    world.write_samples();
    let text = include_str!("../../transcripts/bruno/rain-gauge.jsonl");
    let wide: Vec<u8> = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    world.write("bruno/wide.jsonl", wide);
    world.write("bruno/empty.jsonl", "");
    drop(world.run(&[]).exits(0));
    processors.map(|processor| tables_of(&world, processor))
}

#[test]
fn runs_in_either_mode_share_what_they_read() {
    let in_host = tables_together("");
    for isolation in [
        "[isolation.usage]\nmode = \"process\"\n",
        "[isolation]\ndefault = \"process\"\n",
    ] {
        assert_eq!(tables_together(isolation), in_host, "{isolation}");
    }
}

/// What a processor leaves of one session in either mode: the answer to `sql`, and the error of the session if it failed.
#[track_caller]
fn left_by(processor: &str, transcript: &str, sql: &str) -> [(Vec<Value>, Vec<Value>); 2] {
    ["in-process", "process"].map(|mode| {
        let mut world = World::with(&[processor]);
        world.set_variable("SESSION_HOST_ISOLATION", mode);
        world.write("alice/a.jsonl", transcript);
        drop(world.run(&[processor]));
        let errors = world.rows("SELECT error FROM session_processor_failure");
        (world.rows(sql), errors)
    })
}

#[test]
fn requests_are_made_in_the_order_of_the_calls_in_either_mode() {
    let rows = |first: i64| json!({"do": "rows", "count": 2, "first": first});
    let transcript = script(&[
        rows(0),
        execute("INSERT INTO probe_totals VALUES ('a', 40)"),
        rows(10),
        rows(20),
        json!({"do": "query", "sql": "SELECT n FROM probe_totals"}),
        rows(50),
    ]);
    let [here, there] = left_by("probe", &transcript, "SELECT n FROM probe_rows ORDER BY rowid");
    let numbers: Vec<&Value> = there.0.iter().map(|row| &row["n"]).collect();
    assert_eq!(numbers, [0, 1, 10, 11, 20, 21, 40, 50, 51]);
    assert_eq!(here, there);
}

#[test]
fn rows_that_do_not_fit_fail_with_the_same_error_in_either_mode() {
    for swallow in [false, true] {
        let wrong = |wrong: &str| json!({"wrong": wrong, "swallow": swallow});
        let transcript = script(&[
            wrong("none"),
            wrong("unknown_column"),
            wrong("none"),
            wrong("wrong_type"),
        ]);
        let [here, there] = left_by("wrong_rows", &transcript, "FROM wrong_rows");
        let error = there.1[0]["error"].as_str().unwrap();
        assert!(error.contains("has no column `missing`"), "{error}");
        assert_eq!(here, there);
    }
}

#[test]
fn the_first_failed_request_is_the_error_in_either_mode() {
    let transcript = script(&[
        json!({"do": "rows", "count": 2}),
        json!({"do": "execute", "sql": "DROP TABLE probe_rows", "swallow": true}),
        json!({"do": "rows", "count": 1, "table": "nowhere"}),
    ]);
    let [here, there] = left_by("probe", &transcript, "FROM probe_rows");
    let error = there.1[0]["error"].as_str().unwrap();
    assert!(!error.contains("nowhere"), "{error}");
    assert_eq!(here, there);
}

#[test]
fn many_rows_are_the_same_in_either_mode() {
    let rows = |first: i64, count: i64| json!({"do": "rows", "count": count, "first": first});
    let transcript = script(&[rows(0, 3), rows(3, 200_000), rows(200_003, 1), rows(200_004, 90_000)]);
    let sql = "SELECT count(*) AS rows, count(DISTINCT n) AS numbers, max(n) AS last FROM probe_rows";
    let [here, there] = left_by("probe", &transcript, sql);
    assert_eq!(there.0, [json!({"rows": 290_004, "numbers": 290_004, "last": 290_003})]);
    assert_eq!(here, there);
}
