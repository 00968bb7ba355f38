//! A plugin migrates its tables after they were copied.

use session_host::{
    config::named_state,
    state::{Reader, State, copy_state},
    state_place::StatePlace,
};
use session_host_tests::Postgres;
use session_plugin_api::Migration;
use tempfile::tempdir;

use crate::machines::scene::prepare;

#[test]
fn later_migrations_of_a_plugin_fit_a_copy() {
    let database = Postgres::shared().database();
    let folder = tempdir().unwrap();
    let [first, second] = [
        "CREATE TABLE notes (session_file VARCHAR, note VARCHAR);
         CREATE MACRO loud(text) AS upper(text) || '!';
         CREATE VIEW shouts AS SELECT loud(note) AS shout FROM notes;
         INSERT INTO notes VALUES ('alice/a.jsonl', 'well')",
        "ALTER TABLE notes ADD COLUMN n BIGINT DEFAULT 7;
         CREATE OR REPLACE VIEW shouts AS SELECT loud(note) AS shout, n FROM notes",
    ];
    let migrations = [Migration::new(1, "first", first), Migration::new(2, "second", second)];
    let place = |named: &str| named_state(named.into(), folder.path()).unwrap();
    let path = |name: &str| place(folder.path().join(name).to_str().unwrap());
    let (file, back) = (path("state.duckdb"), path("back.duckdb"));
    let shared = place(&format!("{}?sslmode=disable", database.url()));

    prepare(&State::open_at(&file).unwrap(), &migrations[..1]);
    copy_state(&file, &shared, &mut |_| ()).unwrap();
    prepare(&State::open_at(&shared).unwrap(), &migrations);
    assert_eq!(database.sql("SELECT note, n FROM main.notes"), "well|7");
    copy_state(&shared, &back, &mut |_| ()).unwrap();
    prepare(&State::open_at(&back).unwrap(), &migrations);

    prepare(&State::open_at(&file).unwrap(), &migrations);
    let contents = |state: &StatePlace| {
        let reader = Reader::open_at(state).unwrap();
        ["notes", "shouts"].map(|table| reader.contents(table).unwrap())
    };
    assert_eq!(contents(&back), contents(&file));
}
