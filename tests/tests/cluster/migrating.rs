//! A migration of a plugin that meets what another host does.

use std::thread;

use session_host::{config::named_state, state::State};
use session_host_tests::{Postgres, WAITS_FOR_A_LOCK, wait_until};
use session_plugin_api::Migration;
use tempfile::tempdir;

use crate::machines::scene::{open, prepare};

#[test]
fn a_migration_that_meets_a_commit_is_applied_again() {
    let database = Postgres::shared().database();
    let folder = tempdir().unwrap();
    let place = named_state(database.url().into(), folder.path()).unwrap();
    let state = State::open_at(&place).unwrap();
    let [first, second] = [
        "CREATE TABLE notes (session_file VARCHAR, note VARCHAR); INSERT INTO notes VALUES ('alice/a.jsonl', 'well')",
        "UPDATE notes SET note = note || '!'",
    ];
    let migrations = [Migration::new(1, "first", first), Migration::new(2, "second", second)];
    prepare(&state, &migrations[..1]);

    let mut another = open(&database.url(), "another");
    another.batch("begin", "BEGIN").unwrap();
    another
        .batch("change", "UPDATE main.notes SET note = 'better'")
        .unwrap();
    thread::scope(|scope| {
        let migrating = scope.spawn(|| prepare(&state, &migrations));
        wait_until("the migration waits for the row", || {
            database.sql(WAITS_FOR_A_LOCK) == "t"
        });
        another.batch("commit", "COMMIT").unwrap();
        migrating.join().unwrap();
    });
    assert_eq!(database.sql("SELECT note FROM main.notes"), "better!");
}
