//! Where the code of a processor runs makes no difference to what it gives.

use std::{fs, path::Path};

use serde_json::Value;
use session_host_tests::{World, repository};

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

/// All that a processor makes of the sample transcripts, with its code in this place, from this state on.
fn tables_with(mode: &str, processor: &str, state: &Path) -> Vec<(String, Vec<Value>)> {
    let mut world = world_of(processor);
    world.write_samples();
    world.set_variable("SESSION_HOST_ISOLATION", mode);
    fs::create_dir(world.path("data")).unwrap();
    fs::copy(state, world.state()).unwrap();
    drop(world.run(&[]).exits(0));
    tables_of(&world, processor)
}

#[test]
fn rows_are_the_same_in_either_mode() {
    for processor in ["errors", "secrets", "usage"] {
        // The salt that a processor has drawn at random with its first session is the same then.
        let begun = world_of(processor);
        if processor == "secrets" {
            begun.write(
                "begun/a.jsonl",
                include_bytes!("../../transcripts/bruno/rain-gauge.jsonl"),
            );
        }
        drop(begun.run(&[]).exits(0));
        let here = tables_with("in-process", processor, &begun.state());
        let there = tables_with("process", processor, &begun.state());
        assert!(here.iter().all(|(_, rows)| !rows.is_empty()), "{processor}: {here:?}");
        assert_eq!(here, there, "{processor}");
    }
}
