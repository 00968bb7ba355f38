//! What is forgotten is gone from every table, and the command says what it did not reach.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{Ran, World, holds_bytes};

use crate::script::{error, script};

/// The words of the user who is forgotten, and of the one who stays.
pub(crate) const ALICE: &str = "the cat of alice is called Mitzi Karottenhose";
pub(crate) const BOB: &str = "the dog of bob is called Waldi Gurkenglas";

/// A state in which both have said something, and somebody asked for what Alice said.
pub(crate) fn scene(sessions: u64) -> World {
    let world = World::with(&["probe"]);
    for (user, words) in [("alice", ALICE), ("bob", BOB)] {
        for number in 0..sessions {
            let rows = json!({"do": "rows", "count": 20, "text": format!("{words}, number {number}")});
            world.write(&format!("{user}/{number}.jsonl"), script(&[rows]));
        }
    }
    drop(world.run(&["probe"]).exits(0));
    world.change_state(
        "INSERT INTO audit_log SELECT 9000, now()::TIMESTAMP, 'admin', 'query', 'state',
             '{\"sql\": \"SELECT * FROM probe_rows WHERE username = ''alice'' AND text LIKE ''%Mitzi Karottenhose%''\"}', 'ok', 1",
    );
    world
}

/// Whether the state holds these words, or any file of the data directory but the copies of plugins and exports.
#[track_caller]
pub(crate) fn holds(world: &World, words: &str) -> bool {
    let files = fs::read_dir(world.path("data")).unwrap();
    let mut paths = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    // A file that the host removes meanwhile holds nothing.
    paths.any(|path| holds_bytes(&path, words.as_bytes())) || (!world.state().exists() && world.state_holds(words))
}

pub(crate) fn rows_of(world: &World, user: &str) -> Value {
    world.rows(&format!(
        "SELECT count(*) AS n FROM probe_rows WHERE username = '{user}'"
    ))[0]["n"]
        .clone()
}

pub(crate) fn remove_transcripts(world: &World) {
    fs::remove_dir_all(world.path("sessions/alice")).unwrap();
}

#[test]
fn what_is_forgotten_is_in_no_table() {
    let world = scene(10);
    assert_eq!(rows_of(&world, "alice"), json!(200));
    let early = world.path("data/exports/early");
    drop(world.host(&["export", early.to_str().unwrap()]).exits(0));
    let forgot = forgets(&world, "alice");
    assert!(
        forgot.contains("10 state rows, 0 failures, 200 rows of processors, 1 entries of the audit log"),
        "{forgot}"
    );
    assert!(forgot.contains("tables that name no session: probe_totals"), "{forgot}");
    assert!(forgot.contains("data/exports/early"), "{forgot}");
    assert_eq!(
        (rows_of(&world, "alice"), rows_of(&world, "bob")),
        (json!(0), json!(200))
    );
    let asked = world.rows("SELECT params->>'sql' AS sql FROM audit_log WHERE id = 9000");
    assert_eq!(asked, [json!({"sql": "(forgotten)"})]);
    remove_transcripts(&world);
    drop(world.run(&["probe"]).exits(0));
    assert_eq!(rows_of(&world, "bob"), json!(200));
}

/// Forgets a subject, whose words are nowhere afterwards.
#[track_caller]
pub(crate) fn forgets(world: &World, subject: &str) -> String {
    let forgot = world.host(&["forget", subject]).exits(0).stdout;
    let told = match world.state().exists() {
        true => "the state file no longer holds its text",
        false => "the files of PostgreSQL hold the text of deleted rows until `VACUUM FULL` has rewritten the tables",
    };
    assert!(forgot.contains(told), "{forgot}");
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
         INSERT INTO of_nobody FROM second"
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
