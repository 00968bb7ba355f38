//! Corrections while other hosts commit.

use session_host_tests::{Database, Postgres, Ran, World, wait_until};

use super::scene::{Somebody, host_at};

/// Runs a command that waits for the transaction of somebody else, who changes what the command is about.
#[track_caller]
fn meets(world: &World, database: &Database<'_>, change: &str, command: &[&str]) -> Ran {
    let somebody = Somebody::changes(database, change);
    let running = world.start(command);
    somebody.commits_once_another_waits();
    running.ends()
}

#[test]
fn a_correction_that_meets_a_commit_is_made_after_it() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    world.write("alice/a.jsonl", "{\"do\":\"rows\",\"count\":1}\n");
    drop(world.run(&[]).exits(0));

    // As a commit does that refreshes a session.
    let commit = "UPDATE main.session_processor_state SET checked_at = checked_at + interval '1 second'";
    let told = meets(&world, &database, commit, &["reprocess", "probe"])
        .exits(0)
        .stdout;
    assert!(told.contains("1 sessions of probe"), "{told}");
    let marked = "SELECT count(*) FROM main.session_processor_state WHERE output_version = -1";
    assert_eq!(database.sql(marked), "1");

    let pause = "INSERT INTO main.processor_pause VALUES ('probe', 'first', 'cli', now())";
    let again = meets(&world, &database, pause, &["pause", "probe", "--reason", "second"]);
    drop(again.exits(0));
    assert_eq!(database.sql("SELECT reason FROM main.processor_pause"), "second");
    let reason = "UPDATE main.processor_pause SET reason = 'third'";
    drop(meets(&world, &database, reason, &["resume", "probe"]).exits(0));
    assert_eq!(database.sql("SELECT count(*) FROM main.processor_pause"), "0");
}

/// Otherwise the other hosts would never learn of a pause that is recorded.
#[test]
fn a_correction_that_the_other_hosts_cannot_be_told_of_is_not_made() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    world.write("alice/a.jsonl", "{\"do\":\"rows\",\"count\":1}\n");
    drop(world.run(&[]).exits(0));
    for command in [&["pause", "probe"][..], &["reprocess", "probe"]] {
        let somebody = Somebody::changes(&database, "LOCK TABLE main.session_host_request IN EXCLUSIVE MODE");
        let running = world.start(command);
        wait_until("the command is ended while it waits", || {
            let waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
            database.sql(&format!("SELECT bool_or(pg_terminate_backend(pid, 60000)) {waiting}")) == "t"
        });
        drop(running.ends().exits(1));
        drop(somebody);
    }
    assert_eq!(database.sql("SELECT count(*) FROM main.processor_pause"), "0");
    let marked = "SELECT count(*) FROM main.session_processor_state WHERE output_version = -1";
    assert_eq!(database.sql(marked), "0");
}
