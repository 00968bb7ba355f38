//! Whom sessions are recorded for, and what they are called.

use serde_json::json;
use session_host_tests::{Moved, World};

use crate::script::{counts, error, processed, rows};

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
fn nested_transcripts_are_taken_unless_that_is_turned_off() {
    let world = world_with(&["alice/a.jsonl", "alice/deep/er/a.jsonl"]);
    assert_eq!(
        counts(&world.run(&["probe", "--recursive=false"]).exits(0)),
        processed(1)
    );
    assert_eq!(world.run(&["probe"]).exits(0).result().processed, 1);
    are_recorded(&world, [("alice/a.jsonl", "alice"), ("alice/deep/er/a.jsonl", "alice")]);
}

fn moved(from: &str, to: &str, sessions: u64) -> Moved {
    let (from, to) = (from.to_owned(), to.to_owned());
    Moved { from, to, sessions }
}

#[test]
fn a_name_that_is_set_later_moves_the_sessions() {
    let world = world_with(&["project-a/a.jsonl", "project-b/b.jsonl", "project-b/c.jsonl"]);
    drop(world.run(&["probe"]).exits(0));
    let waiting = ["run", "probe", "--dry-run", "--json", "--username", "alice"];
    assert_eq!(world.host(&waiting).exits(0).json()["sessions"], 3);
    let ran = world.run(&["probe", "--username", "alice", "-v"]).exits(0);
    assert_eq!(ran.result().processed, 3);
    let expected = [moved("project-a", "alice", 1), moved("project-b", "alice", 2)];
    let mut told = ran.result().moved.clone();
    told.sort_by(|one, other| one.from.cmp(&other.from));
    assert_eq!(told, expected);
    ran.tells("moved sessions from `project-b` to `alice`");
    let all = [
        ("project-a/a.jsonl", "alice"),
        ("project-b/b.jsonl", "alice"),
        ("project-b/c.jsonl", "alice"),
    ];
    are_recorded(&world, all);
    let again = world.run(&["probe", "--username", "alice"]).exits(0);
    assert_eq!(again.result().processed, 0);
    assert!(again.result().moved.is_empty());
}

#[test]
fn a_folder_that_is_mapped_later_moves_its_sessions_alone() {
    let world = world_with(&["0f3a/a.jsonl", "bob/b.jsonl"]);
    drop(world.run(&["probe"]).exits(0));
    world.config("[users]\n0f3a = \"alice\"");
    let told = world.host(&["run", "probe"]).exits(0).stdout;
    assert!(told.contains("probe moved 1 sessions from `0f3a` to `alice`"), "{told}");
    are_recorded(&world, [("0f3a/a.jsonl", "alice"), ("bob/b.jsonl", "bob")]);
}

#[test]
fn a_move_that_fails_is_not_told_and_waits_for_the_next_run() {
    let world = world_with(&["bob/b.jsonl"]);
    drop(world.run(&["probe"]).exits(0));
    world.write("bob/b.jsonl", error("not now"));
    let ran = world.run(&["probe", "--username", "alice"]).exits(1);
    assert!(ran.result().moved.is_empty());
    are_recorded(&world, [("bob/b.jsonl", "bob")]);
    world.write("bob/b.jsonl", rows(1));
    let ran = world.run(&["probe", "--username", "alice"]).exits(0);
    assert_eq!(ran.result().moved, [moved("bob", "alice", 1)]);
}

#[test]
fn the_folder_of_one_project_is_recorded_as_if_it_lay_among_others() {
    let world = world_with(&[
        "-bakery/a.jsonl",
        "-bakery/a/subagents/agent-1.jsonl",
        "-garden/b.jsonl",
    ]);
    let project = world.sessions().join("-bakery").display().to_string();
    let ran = world
        .run(&["probe", "--sessions", &project, "--username", "alice"])
        .exits(0);
    assert_eq!(counts(&ran), processed(2));
    let told = "the sessions directory is the folder of one project: its sessions are recorded as `-bakery/...`, of the user alice";
    assert_eq!(ran.stderr.matches(told).count(), 1, "{}", ran.stderr);
    let all = [
        ("-bakery/a.jsonl", "alice"),
        ("-bakery/a/subagents/agent-1.jsonl", "alice"),
    ];
    are_recorded(&world, all);
    // The same sessions in the whole tree have the same keys.
    let ran = world.run(&["probe", "--username", "alice"]).exits(0);
    assert_eq!(ran.result().processed, 1);
}

#[test]
fn the_sessions_of_one_project_are_those_of_this_user() {
    let world = world_with(&["-bakery/a.jsonl"]);
    let project = world.sessions().join("-bakery").display().to_string();
    drop(world.run(&["probe", "--sessions", &project]).exits(0));
    let this_user = crate::discovery::this_user();
    are_recorded(&world, [("-bakery/a.jsonl", this_user.as_str())]);
}
