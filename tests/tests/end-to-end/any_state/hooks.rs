//! Hooks: what SQL wrote for an earlier version or a forgotten session is taken back, in the host's own transaction.

use serde_json::{Value, json};
use session_host_tests::World;

use crate::script::{counts, processed};

fn world(sessions: &[(&str, &str)]) -> World {
    let world = World::new();
    world.install("counts");
    for (session, transcript) in sessions {
        world.write(session, transcript);
    }
    world
}

fn totals(world: &World) -> Vec<Value> {
    world.rows("SELECT username, n FROM counts_totals ORDER BY username")
}

fn misbehaves(world: &World, hook: &str, how: &str) {
    let limit = if how == "hang" { 3 } else { 300 };
    world.config(&format!(
        "attempt_timeout_seconds = {limit}\n[processors.counts]\n{hook} = \"{how}\"\n"
    ));
}

#[test]
fn a_changed_session_counts_once() {
    let world = world(&[
        ("alice/a.jsonl", "{}\n{}\n"),
        ("alice/b.jsonl", "{}\n"),
        ("bob/b.jsonl", "{}\n"),
    ]);
    drop(world.run(&[]).exits(0));
    assert_eq!(
        totals(&world),
        [json!({"username": "alice", "n": 3}), json!({"username": "bob", "n": 1})]
    );
    world.write("alice/a.jsonl", "{}\n{}\n{}\n{}\n{}\n");
    drop(world.run(&[]).exits(0));
    assert_eq!(
        totals(&world),
        [json!({"username": "alice", "n": 6}), json!({"username": "bob", "n": 1})]
    );
    drop(world.host(&["reprocess", "counts"]).exits(0));
    assert_eq!(counts(&world.run(&[]).exits(0)), processed(3));
    assert_eq!(
        totals(&world),
        [json!({"username": "alice", "n": 6}), json!({"username": "bob", "n": 1})]
    );
}

#[test]
fn many_changed_sessions_of_one_user_count_once_whatever_conflicts() {
    let world = world(&[]);
    for round in 1..=2 {
        for number in 0..30 {
            world.write(&format!("alice/{number}.jsonl"), "{}\n".repeat(round));
        }
        drop(world.run(&["--workers", "4"]).exits(0));
        assert_eq!(totals(&world), [json!({"username": "alice", "n": 30 * round})]);
    }
}

#[test]
fn a_failed_attempt_takes_nothing_back() {
    let world = world(&[("alice/a.jsonl", "{}\n{}\n")]);
    drop(world.run(&[]).exits(0));
    world.write("alice/a.jsonl", "fail\n");
    drop(world.run(&[]).exits(1));
    assert_eq!(totals(&world), [json!({"username": "alice", "n": 2})]);
}

#[test]
fn a_hook_that_fails_fails_the_attempt() {
    for (how, told) in [
        ("fail", "the hook `replaced`: told to fail"),
        ("panic", "the hook `replaced`: told to panic"),
        ("swallow", "no_such_table"),
        ("replace", "a hook has no `replace`"),
    ] {
        let world = world(&[("alice/a.jsonl", "{}\n{}\n")]);
        misbehaves(&world, "replaced", how);
        // The first version replaces none, so that no hook is called.
        drop(world.run(&[]).exits(0));
        world.write("alice/a.jsonl", "{}\n");
        let ran = world.run(&[]).exits(1);
        let error = &ran.result().errors_detail[0].error;
        assert!(error.contains(told), "{error}");
        assert_eq!(totals(&world), [json!({"username": "alice", "n": 2})]);
        assert_eq!(world.rows("SELECT n FROM counts_lines"), [json!({"n": 2})]);
    }
}

#[test]
fn what_is_forgotten_is_taken_back() {
    let world = world(&[
        ("alice/a.jsonl", "{}\n{}\n"),
        ("alice/b.jsonl", "{}\n"),
        ("bob/b.jsonl", "{}\n"),
    ]);
    drop(world.run(&[]).exits(0));
    let forgot = world.host(&["forget", "alice/a.jsonl"]).exits(0).stdout;
    assert!(!forgot.contains("counts_totals"), "{forgot}");
    assert_eq!(
        totals(&world),
        [json!({"username": "alice", "n": 1}), json!({"username": "bob", "n": 1})]
    );
    drop(world.host(&["forget", "alice"]).exits(0));
    assert_eq!(totals(&world), [json!({"username": "bob", "n": 1})]);
    assert_eq!(world.count("counts_lines"), 1);
}

#[test]
fn what_is_marked_to_be_reprocessed_can_be_forgotten() {
    let world = world(&[("alice/a.jsonl", "{}\n")]);
    drop(world.run(&[]).exits(0));
    drop(world.host(&["reprocess", "counts"]).exits(0));
    drop(world.host(&["forget", "alice"]).exits(0));
    assert_eq!((totals(&world), world.count("counts_lines")), (vec![], 0));
}

#[test]
fn without_its_plugin_the_tables_are_told_to_be_left() {
    let world = world(&[("alice/a.jsonl", "{}\n")]);
    drop(world.run(&[]).exits(0));
    std::fs::remove_dir_all(world.plugins()).unwrap();
    let ran = world.host(&["forget", "alice"]).exits(0);
    assert!(
        ran.stdout.contains("tables that name no session: counts_totals"),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.contains("calls no hook"), "{}", ran.stderr);
}

#[test]
fn a_hook_that_fails_lets_nothing_be_forgotten() {
    for (how, told) in [
        ("fail", "told to fail"),
        ("panic", "told to panic"),
        ("swallow", "no_such_table"),
        ("replace", "a hook has no `replace`"),
        (
            "hang",
            "did not return for session alice/a.jsonl within attempt_timeout_seconds (3 s)",
        ),
    ] {
        let world = world(&[("alice/a.jsonl", "{}\n{}\n")]);
        drop(world.run(&[]).exits(0));
        misbehaves(&world, "forgotten", how);
        let ran = world.host(&["forget", "alice"]).exits(1);
        assert!(
            ran.stderr.contains("nothing was forgotten") && ran.stderr.contains(told),
            "{}",
            ran.stderr
        );
        assert_eq!(totals(&world), [json!({"username": "alice", "n": 2})]);
        assert_eq!(
            (world.count("counts_lines"), world.count("session_processor_state")),
            (1, 1)
        );
        world.config("");
        drop(world.host(&["forget", "alice"]).exits(0));
        assert_eq!(totals(&world), [] as [Value; 0]);
    }
}
