//! A purge: what is forgotten is gone from the blocks of the state file, whatever happens meanwhile.

use std::{fs, path::PathBuf, thread, time::Duration};

use serde_json::json;
use session_host_tests::{World, wait_until};

use crate::{
    any_state::forgetting::{ALICE, BOB, forgets, holds, remove_transcripts, rows_of, scene},
    numbers::Numbers,
};

/// A state whose file holds the words as they are written: no text is compressed.
fn plain_scene(sessions: u64) -> World {
    let world = scene(sessions);
    world.change_state(
        "SET force_compression = 'uncompressed';
         CREATE TABLE plain AS FROM probe_rows; DELETE FROM probe_rows; INSERT INTO probe_rows BY NAME FROM plain;
         DROP TABLE plain; CHECKPOINT",
    );
    assert!(holds(&world, ALICE) && holds(&world, BOB), "the scene is set");
    world
}

/// What a purge leaves beside the state while it goes on.
fn leftovers(world: &World) -> Vec<PathBuf> {
    ["purged", "purged.wal", "purge-due"]
        .map(|ending| world.path(format!("data/session-host.duckdb.{ending}")))
        .into_iter()
        .filter(|path| path.exists())
        .collect()
}

#[test]
fn what_is_forgotten_is_in_no_block_of_the_file() {
    let world = plain_scene(40);
    drop(
        world
            .host(&["export", world.path("data/exports/early").to_str().unwrap()])
            .exits(0),
    );
    let forgot = world.host(&["forget", "alice"]).exits(0).stdout;
    assert!(
        forgot.contains("800 rows of processors, 1 entries of the audit log"),
        "{forgot}"
    );
    assert!(forgot.contains("the state file no longer holds its text"), "{forgot}");
    assert!(forgot.contains("tables that name no session: probe_totals"), "{forgot}");
    assert!(forgot.contains("data/exports/early"), "{forgot}");
    assert!(!holds(&world, "Mitzi"), "its words are still there");
    assert_eq!(
        (rows_of(&world, "alice"), rows_of(&world, "bob")),
        (json!(0), json!(800))
    );
    let asked = world.rows("SELECT params->>'sql' AS sql FROM audit_log WHERE id = 9000");
    assert_eq!(asked, [json!({"sql": "(forgotten)"})]);
    assert_eq!(leftovers(&world), [] as [PathBuf; 0]);
    remove_transcripts(&world);
    drop(world.run(&["probe"]).exits(0));
    assert_eq!(rows_of(&world, "bob"), json!(800));
}

#[test]
fn all_that_a_state_can_hold_outlives_a_purge() {
    let world = plain_scene(5);
    world.change_state(
        "CREATE TYPE mood AS ENUM ('sad', 'well'); CREATE SEQUENCE counter START 5; SELECT nextval('counter');
         CREATE TABLE parents (id INTEGER PRIMARY KEY DEFAULT nextval('counter'), m mood, double INTEGER GENERATED ALWAYS AS (id * 2));
         CREATE TABLE children (id INTEGER REFERENCES parents (id), CHECK (id < 100));
         INSERT INTO parents (m) VALUES ('well'); INSERT INTO children VALUES (6);
         CREATE INDEX by_mood ON parents (m); CREATE VIEW moods AS SELECT m FROM parents;
         CREATE MACRO twice(a) AS a * 2; COMMENT ON TABLE parents IS 'of all'; CHECKPOINT",
    );
    let whole = "SELECT (SELECT list(double) FROM parents) AS doubles, (SELECT count(*) FROM children) AS children,
                        (SELECT twice(4)) AS twice, (SELECT comment FROM duckdb_tables() WHERE table_name = 'parents') AS comment,
                        (SELECT count(*) FROM duckdb_indexes()) AS indexes, (SELECT list(m) FROM moods) AS moods";
    let expected =
        json!({"doubles": [12], "children": 1, "twice": 8, "comment": "of all", "indexes": 1, "moods": ["well"]});
    assert_eq!(world.rows(whole), std::slice::from_ref(&expected));
    drop(world.host(&["forget", "alice"]).exits(0));
    assert!(!holds(&world, "Mitzi"));
    assert_eq!(world.rows(whole), [expected]);
    world.change_state("INSERT INTO parents (m) VALUES ('sad')");
    assert_eq!(world.rows("SELECT max(id) AS id FROM parents"), [json!({"id": 7})]);
}

#[test]
fn a_purge_that_is_killed_anywhere_is_made_by_the_next_start() {
    let world = plain_scene(60);
    let (data, kept) = (world.path("data"), world.path("kept"));
    fs::rename(&data, &kept).unwrap();
    remove_transcripts(&world);
    let mut numbers = Numbers(18);
    let mut removed_only = 0;
    for round in 0..25 {
        let _ = fs::remove_dir_all(&data);
        fs::create_dir(&data).unwrap();
        fs::copy(kept.join("session-host.duckdb"), world.state()).unwrap();
        let running = world.start(&["forget", "alice"]);
        let mark = world.path("data/session-host.duckdb.purge-due");
        wait_until("the forgetting begins, or has ended", || {
            mark.exists() || !holds(&world, "Mitzi")
        });
        if round % 3 == 0 {
            let copy = world.path("data/session-host.duckdb.purged");
            wait_until("the rows are removed, so that the state is copied", || {
                copy.exists() || !holds(&world, "Mitzi")
            });
        }
        thread::sleep(Duration::from_micros(numbers.below(150_000)));
        running.signal(libc::SIGKILL);
        drop(running.ends());
        let ran = world.run(&["probe"]).exits(0);
        assert_eq!(rows_of(&world, "bob"), json!(1200));
        match rows_of(&world, "alice").as_u64().unwrap() {
            0 => {
                assert!(!holds(&world, "Mitzi"), "the rows went, and their words stayed");
                removed_only += 1;
            }
            rows => assert_eq!(rows, 1200, "all or nothing is removed"),
        }
        assert_eq!(leftovers(&world), [] as [PathBuf; 0], "{}", ran.stderr);
    }
    assert!(removed_only > 0);
}

#[test]
fn a_running_service_purges_and_goes_on() {
    let mut world = plain_scene(10);
    let service = world.serve(&[]);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    let forgot = world.host(&["forget", "--purge", "alice"]).exits(0).stdout;
    assert!(forgot.contains("the state file no longer holds its text"), "{forgot}");
    assert!(!holds(&world, "Mitzi"));
    remove_transcripts(&world);
    drop(service.run("probe").is(200));
    assert!(
        world.command(&["serve"]).output().unwrap().status.code() == Some(3),
        "the state is still locked"
    );
    assert_eq!(service.stop().0, Some(0));
    assert_eq!(
        (rows_of(&world, "alice"), rows_of(&world, "bob")),
        (json!(0), json!(200))
    );
}

#[test]
fn a_name_of_any_characters_stands_in_the_way_of_no_purge() {
    let world = scene(2);
    let table = r#""a""b.c 'd' ; é""#;
    world.change_state(&format!(
        r#"CREATE TABLE {table} ("x""y" INTEGER, twice INTEGER GENERATED ALWAYS AS ("x""y" * 2));
           INSERT INTO {table} VALUES (4)"#
    ));
    drop(forgets(&world, "alice"));
    assert_eq!(world.rows(&format!("SELECT twice FROM {table}")), [json!({"twice": 8})]);
}
