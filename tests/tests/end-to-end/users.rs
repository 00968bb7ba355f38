//! Whom sessions are recorded for, and what they are called.

use serde_json::json;
use session_host_tests::World;

use crate::script::{counts, processed, rows};

fn world_with(sessions: &[&str]) -> World {
    let world = World::with(&["probe"]);
    for session in sessions {
        world.write(session, rows(1));
    }
    world
}

/// Checks that the state and the processor have these sessions with these users.
#[track_caller]
fn are_recorded<const N: usize>(world: &World, expected: [(&str, &str); N]) {
    let expected = expected.map(|(session, user)| json!({"session_file": session, "username": user}));
    let of_the_processor = world.rows("SELECT session_file, username FROM probe_rows ORDER BY ALL");
    let of_the_host = world.rows("SELECT session_file, username FROM session_processor_state ORDER BY ALL");
    assert_eq!(of_the_host, of_the_processor);
    assert_eq!(of_the_host, expected);
}

#[test]
fn folders_stand_for_users_unless_they_are_mapped() {
    let world = world_with(&["0f3a/a.jsonl", "bob/b.jsonl"]);
    world.config("[users]\n0f3a = \"alice\"\nnobody = \"eve\"");
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(2));
    are_recorded(&world, [("0f3a/a.jsonl", "alice"), ("bob/b.jsonl", "bob")]);
}

#[test]
fn a_tree_of_one_person_is_recorded_for_that_person() {
    let world = world_with(&["project-a/a.jsonl", "project-b/b.jsonl"]);
    world.config("username = \"bob\"");
    assert_eq!(
        counts(&world.run(&["probe", "--username", "alice"]).exits(0)),
        processed(2)
    );
    are_recorded(&world, [("project-a/a.jsonl", "alice"), ("project-b/b.jsonl", "alice")]);
}

#[test]
fn nested_transcripts_are_taken_when_asked_for() {
    let world = world_with(&["alice/a.jsonl", "alice/deep/er/a.jsonl"]);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(world.run(&["probe", "--recursive"]).exits(0).result().processed, 1);
    are_recorded(&world, [("alice/a.jsonl", "alice"), ("alice/deep/er/a.jsonl", "alice")]);
}
