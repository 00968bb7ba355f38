//! What is forgotten is gone from the file, whatever happens meanwhile.

use std::{fs, path::PathBuf, thread, time::Duration};

use serde_json::{Value, json};
use session_host_tests::{Ran, World, holds_bytes, wait_until};

use crate::{
    numbers::Numbers,
    script::{error, script},
};

/// The words of the user who is forgotten, and of the one who stays.
const ALICE: &str = "the cat of alice is called Mitzi Karottenhose";
const BOB: &str = "the dog of bob is called Waldi Gurkenglas";

/// A state whose file holds the words as they are written: no text is compressed.
fn scene(sessions: u64) -> World {
    let world = World::with(&["probe"]);
    for (user, words) in [("alice", ALICE), ("bob", BOB)] {
        for number in 0..sessions {
            let rows = json!({"do": "rows", "count": 20, "text": format!("{words}, number {number}")});
            world.write(&format!("{user}/{number}.jsonl"), script(&[rows]));
        }
    }
    drop(world.run(&["probe"]).exits(0));
    world.change_state(
        "SET force_compression = 'uncompressed';
         CREATE TABLE plain AS FROM probe_rows; DELETE FROM probe_rows; INSERT INTO probe_rows BY NAME FROM plain;
         DROP TABLE plain;
         INSERT INTO audit_log SELECT 9000, now()::TIMESTAMP, 'admin', 'query', 'state',
             '{\"sql\": \"SELECT * FROM probe_rows WHERE username = ''alice'' AND text LIKE ''%Mitzi Karottenhose%''\"}', 'ok', 1;
         CHECKPOINT",
    );
    assert!(holds(&world, ALICE) && holds(&world, BOB), "the scene is set");
    world
}

/// Whether any file of the data directory but the copies of plugins and exports holds these words.
#[track_caller]
fn holds(world: &World, words: &str) -> bool {
    let files = fs::read_dir(world.path("data")).unwrap();
    let mut paths = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    // A file that the host removes meanwhile holds nothing.
    paths.any(|path| holds_bytes(&path, words.as_bytes()))
}

fn rows_of(world: &World, user: &str) -> Value {
    world.rows(&format!(
        "SELECT count(*) AS n FROM probe_rows WHERE username = '{user}'"
    ))[0]["n"]
        .clone()
}

/// What a purge leaves beside the state while it goes on.
fn leftovers(world: &World) -> Vec<PathBuf> {
    ["purged", "purged.wal", "purge-due"]
        .map(|ending| world.path(format!("data/session-host.duckdb.{ending}")))
        .into_iter()
        .filter(|path| path.exists())
        .collect()
}

fn remove_transcripts(world: &World) {
    fs::remove_dir_all(world.path("sessions/alice")).unwrap();
}

#[test]
fn what_is_forgotten_is_in_no_block_of_the_file() {
    let world = scene(40);
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
    let world = scene(5);
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
    let world = scene(60);
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
    let mut world = scene(10);
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

/// Forgets a subject, whose words must be in no block afterwards.
#[track_caller]
fn forgets(world: &World, subject: &str) -> String {
    let forgot = world.host(&["forget", subject]).exits(0).stdout;
    assert!(forgot.contains("the state file no longer holds its text"), "{forgot}");
    assert!(!holds(world, "Karottenhose"), "its words are still there");
    forgot
}

#[test]
fn a_table_that_was_renamed_or_that_nobody_owns_is_reached() {
    let world = World::with(&["shaped"]);
    let migrations = [
        "CREATE TABLE first (session_file VARCHAR, words VARCHAR)",
        "ALTER TABLE first RENAME TO second",
    ];
    let mut command = world.command(&["run", "--json"]);
    command.env("SHAPED_MIGRATIONS", json!(migrations).to_string());
    drop(Ran::of(command.output().unwrap()).exits(0));
    world.change_state(&format!(
        "CREATE TABLE of_nobody (\"Session_File\" VARCHAR, words VARCHAR);
         INSERT INTO second VALUES ('alice/a.jsonl', '{ALICE}'), ('bob/b.jsonl', '{BOB}');
         INSERT INTO of_nobody FROM second; CHECKPOINT"
    ));
    let forgot = forgets(&world, "alice");
    assert!(forgot.contains("2 rows of processors"), "{forgot}");
    assert_eq!((world.count("second"), world.count("of_nobody")), (1, 1));
}

#[test]
fn what_the_audit_log_tells_of_a_session_goes_with_its_name() {
    let world = World::with(&["probe"]);
    for user in ["alice", "bob"] {
        let words = format!("cannot parse: Karottenhose of {}", user.len());
        world.write(&format!("{user}/a.jsonl"), error(&words));
    }
    drop(world.run(&["probe"]).exits(1));
    let told = "SELECT params->>'$.errors_detail[*].error' AS errors FROM audit_log WHERE action LIKE 'run%'";
    drop(world.host(&["forget", "alice"]).exits(0));
    let left = world.rows(told)[0]["errors"].clone();
    let left: Vec<&str> = left
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(
        left.iter().filter(|text| **text == "(forgotten)").count(),
        1,
        "{left:?}"
    );
    assert_eq!(
        left.iter().filter(|text| text.contains("Karottenhose of 3")).count(),
        1,
        "{left:?}"
    );
    assert!(!holds(&world, "Karottenhose of 5"), "its words are still there");
}

#[test]
fn a_user_who_is_mapped_is_forgotten_by_the_folder_too() {
    let world = World::with(&["probe"]);
    world.config("[users]\n8f14e45f = \"alice\"");
    let words = "my cat wears a Karottenhose";
    world.write("8f14e45f/a.jsonl", error(words));
    world.write(
        "8f14e45f/b.jsonl",
        script(&[json!({"do": "rows", "count": 2, "text": words})]),
    );
    drop(world.run(&["probe"]).exits(1));
    drop(
        world
            .host(&["export", world.path("data/exports/early").to_str().unwrap()])
            .exits(0),
    );
    let forgot = forgets(&world, "alice");
    assert!(forgot.contains("1 entries of the audit log"), "{forgot}");
    assert!(forgot.contains("data/exports/early"), "{forgot}");
    assert!(!holds(&world, "8f14e45f"), "the folder's name is still there");
}

#[test]
fn a_slash_behind_a_user_changes_nothing() {
    let world = scene(2);
    let forgot = forgets(&world, "alice//");
    assert!(
        forgot.contains("2 state rows, 0 failures, 40 rows of processors, 1 entries of the audit log"),
        "{forgot}"
    );
    for nobody in ["", "/"] {
        drop(world.host(&["forget", nobody]).exits(2));
    }
    assert_eq!(rows_of(&world, "bob"), json!(40));
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
