//! Whom sessions are recorded for, and what they are called.

use serde_json::{Value, json};
use session_host_tests::World;

use crate::script::{counts, processed, rows};

fn world_with(sessions: &[&str]) -> World {
    let world = World::with(&["probe"]);
    for session in sessions {
        world.write(session, rows(1));
    }
    world
}

/// The sessions with their users, as the state and as the processor has them.
#[track_caller]
fn recorded(world: &World) -> Vec<Value> {
    let of_the_processor = world.rows("SELECT session_file, username FROM probe_rows ORDER BY ALL");
    let of_the_host = world.rows("SELECT session_file, username FROM session_processor_state ORDER BY ALL");
    assert_eq!(of_the_host, of_the_processor);
    of_the_host
}

#[test]
fn folders_stand_for_users_unless_they_are_mapped() {
    let world = world_with(&["0f3a/a.jsonl", "bob/b.jsonl"]);
    world.config("[users]\n0f3a = \"alice\"\nnobody = \"eve\"");
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(2));
    assert_eq!(
        recorded(&world),
        [
            json!({"session_file": "0f3a/a.jsonl", "username": "alice"}),
            json!({"session_file": "bob/b.jsonl", "username": "bob"})
        ]
    );
}

#[test]
fn a_tree_of_one_person_is_recorded_for_that_person() {
    let world = world_with(&["project-a/a.jsonl", "project-b/b.jsonl"]);
    world.config("username = \"bob\"");
    assert_eq!(
        counts(&world.run(&["probe", "--username", "alice"]).exits(0)),
        processed(2)
    );
    assert_eq!(
        recorded(&world),
        [
            json!({"session_file": "project-a/a.jsonl", "username": "alice"}),
            json!({"session_file": "project-b/b.jsonl", "username": "alice"})
        ]
    );
}

#[test]
fn nested_transcripts_are_taken_when_asked_for() {
    let world = world_with(&["alice/a.jsonl", "alice/deep/er/a.jsonl"]);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(world.run(&["probe", "--recursive"]).exits(0).result().processed, 1);
    assert_eq!(
        recorded(&world),
        [
            json!({"session_file": "alice/a.jsonl", "username": "alice"}),
            json!({"session_file": "alice/deep/er/a.jsonl", "username": "alice"})
        ]
    );
}
