//! What is no copy, and says why.

use std::fs;

use session_host::state::State;
use session_host_tests::psql;

use super::scene::{Scene, contents};
use crate::machines::scene::join_at;

#[test]
fn two_files_and_two_databases_are_refused() {
    let scene = Scene::new(&["probe"]);
    let refused = [(scene.file(), scene.back()), (scene.url(), scene.url())];
    for (from, to) in refused {
        scene.copy(&from, &to).exits(2).tells("an address of PostgreSQL");
    }
}

#[test]
fn a_target_with_other_data_is_refused() {
    let scene = Scene::new(&["probe"]);
    drop(scene.copy(&scene.file(), &scene.url()).exits(0));
    scene
        .copy(&scene.file(), &scene.url())
        .exits(2)
        .tells("has other data, and nothing was changed");
    let before = contents(&scene.file());
    scene
        .copy(&scene.url(), &scene.file())
        .exits(2)
        .tells("name a file that does not exist");
    assert_eq!(contents(&scene.file()), before);
}

#[test]
fn a_source_without_a_state_is_refused() {
    let scene = Scene::new(&["probe"]);
    scene
        .copy(&scene.url(), &scene.back())
        .exits(2)
        .tells("there is no state at");
    scene
        .copy(&scene.back(), &scene.url())
        .exits(2)
        .tells("there is no state file");
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('main', 'session_host_copy')";
    assert_eq!(scene.database.sql(made), "0");
    assert!(!fs::exists(scene.back()).unwrap());
}

#[test]
fn a_file_in_use_is_refused() {
    let scene = Scene::new(&["probe"]);
    let state = State::open(&scene.world.state()).unwrap();
    scene
        .copy(&scene.file(), &scene.url())
        .exits(3)
        .tells("is in use by session-host");
    drop(state);
    drop(scene.copy(&scene.file(), &scene.url()).exits(0));
}

#[test]
fn a_database_in_use_is_refused_and_the_machines_are_named() {
    let scene = Scene::new(&["probe"]);
    drop(scene.copy(&scene.file(), &scene.url()).exits(0));
    let joined = join_at(&scene.url(), "busy-machine", &["probe"]);
    scene
        .copy(&scene.url(), &scene.back())
        .exits(3)
        .tells("is in use by busy-machine");
    joined.cluster.leave().unwrap();
    drop(joined);
    drop(scene.copy(&scene.url(), &scene.back()).exits(0));
}

#[test]
fn what_postgresql_cannot_hold_is_named_and_nothing_is_kept() {
    let scene = Scene::new(&["probe"]);
    scene.world.change_state(
        "CREATE TABLE moods (mood ENUM ('good', 'bad')); CREATE TABLE doubled (n BIGINT, twice BIGINT AS (n * 2))",
    );
    let refused = scene.copy(&scene.file(), &scene.url()).exits(2);
    refused.tells("the table `moods`: ");
    refused.tells("the table `doubled`: ");
    let kept = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('main', 'session_host_copy')";
    assert_eq!(scene.database.sql(kept), "0");
    scene
        .world
        .change_state("DROP TABLE moods; DROP TABLE doubled; CREATE SEQUENCE numbers");
    scene
        .copy(&scene.file(), &scene.url())
        .exits(2)
        .tells("the sequence numbers can only be in a DuckDB file");
}

#[test]
fn values_that_postgresql_would_change_are_found() {
    let scene = Scene::new(&["probe"]);
    scene
        .world
        .change_state("CREATE TABLE moments AS SELECT TIMESTAMP_NS '2026-01-01 00:00:00.123456789' AS moment");
    scene
        .copy(&scene.file(), &scene.url())
        .exits(1)
        .tells("the copy differs in the table `moments`");
    assert_eq!(
        scene
            .database
            .sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'main'"),
        "0"
    );
}

#[test]
fn a_table_of_somebody_else_beside_a_state_is_named() {
    let scene = Scene::new(&["probe"]);
    drop(scene.copy(&scene.file(), &scene.url()).exits(0));
    for table in ["notes", "session_host_notes"] {
        psql(&scene.database.url(), &format!("CREATE TABLE main.{table} (note text)")).unwrap();
        scene
            .copy(&scene.url(), &scene.back())
            .exits(2)
            .tells(&format!("the table `{table}`"));
        psql(&scene.database.url(), &format!("DROP TABLE main.{table}")).unwrap();
        assert!(!fs::exists(scene.back()).unwrap());
    }
}

#[test]
fn a_file_in_the_place_of_an_unfinished_copy_is_kept() {
    let scene = Scene::new(&["probe"]);
    drop(scene.copy(&scene.file(), &scene.url()).exits(0));
    let unfinished = format!("{}.copying", scene.back());
    fs::write(&unfinished, "notes of somebody").unwrap();
    scene
        .copy(&scene.url(), &scene.back())
        .exits(1)
        .tells("cannot go on with the unfinished copy");
    assert_eq!(fs::read(&unfinished).unwrap(), b"notes of somebody");
    fs::copy(scene.file(), &unfinished).unwrap();
    scene
        .copy(&scene.url(), &scene.back())
        .exits(2)
        .tells("has other data, and nothing was changed");
    assert_eq!(contents(&unfinished), contents(&scene.file()));
    assert!(!fs::exists(scene.back()).unwrap());
}
