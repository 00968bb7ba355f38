//! The state file: made, taken over from older services, and left alone where it must be.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{Held, World};

use crate::script::{counts, error, processed, rows, skipped};

const OLDER: &str = "CREATE TABLE session_extraction_state (session_file VARCHAR PRIMARY KEY, username VARCHAR,
                     processed_at TIMESTAMP, items_extracted INTEGER, file_hash VARCHAR);
                     INSERT INTO session_extraction_state VALUES
                         ('alice/a.jsonl', 'alice', '2026-01-02 03:04:05.678901', 7, 'abc'),
                         ('bob/b.jsonl', 'bob', '2026-01-02 03:04:05', NULL, NULL)";

fn taken_over(world: &World) -> Vec<Value> {
    world.rows(
        "SELECT session_file, username, processed_at, items_extracted, file_hash
         FROM session_processor_state WHERE processor_name = 'verification' ORDER BY session_file",
    )
}

fn older_rows() -> [Value; 2] {
    [
        json!({"session_file": "alice/a.jsonl", "username": "alice", "processed_at": "2026-01-02 03:04:05.678901",
               "items_extracted": 7, "file_hash": "abc"}),
        json!({"session_file": "bob/b.jsonl", "username": "bob", "processed_at": "2026-01-02 03:04:05",
               "items_extracted": 0, "file_hash": null}),
    ]
}

#[test]
fn the_table_of_the_older_service_is_taken_over_as_often_as_it_appears() {
    let mut world = World::with(&["probe"]);
    world.set_variable("TZ", "America/New_York");
    world.change_state(OLDER);
    for _ in 0..2 {
        drop(world.run(&[]).exits(0));
        assert_eq!(taken_over(&world), older_rows());
    }
    // What the host knows is newer than what appears beside it.
    world.change_state(&OLDER.replace("2026", "2020"));
    world.change_state("INSERT INTO session_extraction_state VALUES ('eve/e.jsonl', 'eve', '2020-01-01', 1, 'e')");
    drop(world.run(&[]).exits(0));
    let rows = taken_over(&world);
    assert_eq!(rows[..2], older_rows());
    assert_eq!((rows.len(), &rows[2]["session_file"]), (3, &json!("eve/e.jsonl")));
    let older = "SELECT count(*) AS tables FROM duckdb_tables() WHERE table_name = 'session_extraction_state'";
    assert_eq!(world.rows(older), [json!({"tables": 0})]);
}

#[test]
fn a_state_table_of_six_columns_is_widened_and_its_rows_count() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(1));
    let hash = "CREATE TABLE session_processor_state (
                    processor_name VARCHAR NOT NULL, session_file VARCHAR NOT NULL, username VARCHAR,
                    processed_at TIMESTAMP NOT NULL, items_extracted BIGINT DEFAULT 0, file_hash VARCHAR,
                    PRIMARY KEY (processor_name, session_file));
                INSERT INTO session_processor_state VALUES ('probe', 'alice/a.jsonl', 'alice', '2020-01-01', 1, md5('TEXT'))";
    world.change_state(&hash.replace("TEXT", &rows(1)));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), skipped(1));
    assert_eq!(
        world.rows("SELECT items_extracted, file_size FROM session_processor_state"),
        [json!({"items_extracted": 1, "file_size": rows(1).len()})]
    );
}

#[test]
fn a_newer_schema_is_refused_untouched() {
    let world = World::with(&["probe"]);
    drop(world.run(&[]).exits(0));
    world.change_state("INSERT INTO schema_migration VALUES ('host', 99, '2026-01-01', 'x')");
    let before = fs::read(world.state()).unwrap();
    let refused = world.run(&[]).exits(3);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("has schema 99") && refused.stderr.contains("nothing was changed"));
    assert!(fs::read(world.state()).unwrap() == before, "the file has changed");
    assert!(!world.path("data/session-host.duckdb.wal").exists());
}

/// The size of the WAL; 0 if there is none.
fn wal_bytes(world: &World) -> u64 {
    let wal = fs::metadata(world.path("data/session-host.duckdb.wal"));
    wal.map_or(0, |wal| wal.len())
}

#[test]
fn a_run_with_nothing_to_do_leaves_what_it_recorded_in_the_wal_until_that_has_grown() {
    const MOST: u64 = 64;
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(3));
    assert_eq!(counts(&world.run(&[]).exits(0)), processed(1));
    // Whoever copies the state file alone has the rows of the session.
    assert_eq!(wal_bytes(&world), 0);
    drop(world.run(&[]).exits(0));
    assert!(
        wal_bytes(&world) > 0,
        "the run with nothing to do has made a checkpoint"
    );
    let mut runs = 2;
    while wal_bytes(&world) > 0 {
        assert!(runs < MOST, "the WAL has {} bytes after {runs} runs", wal_bytes(&world));
        drop(world.run(&[]).exits(0));
        runs += 1;
        // Those who only read the state find what is in the WAL alone.
        let recorded = world.rows("SELECT count(*) AS runs FROM audit_log");
        assert_eq!(recorded, [json!({ "runs": runs })]);
    }
    assert_eq!(world.count("probe_rows"), 3);
}

#[test]
fn what_is_no_database_is_named_and_left_alone() {
    for content in [&b""[..], b"hello", &[7; 100_000]] {
        let world = World::new();
        fs::create_dir_all(world.path("data")).unwrap();
        fs::write(world.state(), content).unwrap();
        for command in [&["run"][..], &["status"]] {
            let refused = world.host(command).exits(3);
            let complaint = format!(
                "session-host: {} is not a DuckDB database: name the state file with --state; if it was one, restore a backup",
                world.state().display()
            );
            assert!(refused.stderr.starts_with(&complaint), "{}", refused.stderr);
        }
        assert_eq!(fs::read(world.state()).unwrap(), content);
    }
}

#[test]
fn the_copy_of_a_checkpoint_is_used_by_nobody_while_the_state_is_open() {
    let world = World::with(&["probe"]);
    drop(world.run(&[]).exits(0));
    let copy = world.path("data/session-host.duckdb.before-checkpoint");
    fs::write(&copy, "not whole").unwrap();
    let held = duckdb::Connection::open(world.state()).unwrap();
    assert!(world.run(&[]).exits(3).stderr.contains("is in use by"));
    assert!(copy.exists());
    drop(held);
    drop(world.run(&[]).exits(0));
    assert!(!copy.exists());
}

#[test]
fn a_second_process_is_told_what_to_do() {
    let world = World::with(&["probe"]);
    let held = Held::write(&world, "alice/a.jsonl");
    let running = world.start(&["run", "--json", "probe"]);
    held.starts();
    for command in [
        &["run"][..],
        &["status"],
        &["query", "SELECT 1"],
        &["forget", "alice"],
        &["reprocess", "probe"],
    ] {
        let refused = world.host(command).exits(3);
        assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
        refused.tells("is in use by");
        refused.tells(&format!("(PID {})", running.id()));
        refused.tells("wait until that one ends, or name another file with --state");
    }
    drop(world.host(&["processors"]).exits(0));
    held.let_go();
    assert_eq!(counts(&running.ends().exits(0)), processed(1));
}

#[test]
fn without_a_state_file_there_is_nothing_to_show() {
    let world = World::new();
    for command in [
        &["status"][..],
        &["failures"],
        &["runs"],
        &["query", "SELECT 1"],
        &["forget", "alice"],
    ] {
        let refused = world.host(command).exits(2);
        refused.tells("there is no state file");
    }
    assert!(!world.state().exists());
}

#[test]
fn a_zero_byte_in_a_message_is_kept() {
    let world = World::with(&["probe"]);
    // In PostgreSQL, U+FFFD takes its place.
    let message = "before \u{0} after";
    world.write("alice/a.jsonl", error(message));
    drop(world.run(&["probe"]).exits(1));
    assert_eq!(
        world.rows("SELECT error FROM session_processor_failure"),
        [json!({"error": message})]
    );
}

#[test]
fn an_export_holds_the_rows_of_the_file() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(2));
    world.write("alice/b.jsonl", error("no"));
    drop(world.run(&["probe"]).exits(1));
    let folder = world.path("it's exported");
    drop(world.host(&["export", folder.to_str().unwrap()]).exits(0));
    for table in world.rows("SELECT table_name FROM duckdb_tables()") {
        let table = table["table_name"].as_str().unwrap();
        let file = folder.join(format!("{table}.parquet")).display().to_string();
        let file = file.replace('\'', "''");
        let differences = world.rows(&format!(
            "(FROM {table} EXCEPT ALL FROM read_parquet('{file}')) UNION ALL
             (FROM read_parquet('{file}') EXCEPT ALL FROM {table})"
        ));
        assert_eq!(differences, [] as [Value; 0], "{table}");
    }
}
