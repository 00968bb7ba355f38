//! A copy that was killed goes on, and never passes for a state.

use std::fs;

use super::scene::{Scene, contents};

/// After how many steps the copies are killed, one after the other. The first numbers lie within the comparison, where a fast
/// machine may put the copy into its place before it is killed.
const STEPS: [usize; 6] = [14, 9, 5, 3, 2, 1];

/// Whether the copy has its place in PostgreSQL.
const IS_STATE: &str = "SELECT to_regclass('main.schema_migration') IS NOT NULL";

/// A table of several batches.
const MANY: &str = "CREATE TABLE many AS SELECT i AS n, 'text ' || i AS text FROM range(400000) AS t(i); DELETE FROM many WHERE n % 7 = 3";

#[test]
fn a_killed_copy_to_postgresql_goes_on() {
    let scene = Scene::new(&["probe", "viewed"]);
    scene.world.change_state(MANY);
    for steps in STEPS {
        scene.copy_killed_after(steps, &scene.file(), &scene.url());
        if scene.database.sql(IS_STATE) == "t" {
            drop(scene.copy(&scene.url(), &scene.back()).exits(0));
            assert_eq!(contents(&scene.file()), contents(&scene.back()), "{steps}");
            fs::remove_file(scene.back()).unwrap();
            drop(scene.database.sql("DROP SCHEMA main CASCADE"));
        }
    }
    let ended = scene.copy(&scene.file(), &scene.url()).exits(0);
    ended.tells("going on with an unfinished copy");
    drop(scene.copy(&scene.url(), &scene.back()).exits(0));
    assert_eq!(contents(&scene.file()), contents(&scene.back()));
}

#[test]
fn a_killed_copy_to_a_file_goes_on() {
    let scene = Scene::new(&["probe", "viewed"]);
    scene.world.change_state(MANY);
    drop(scene.copy(&scene.file(), &scene.url()).exits(0));
    for steps in STEPS {
        scene.copy_killed_after(steps, &scene.url(), &scene.back());
        if fs::exists(scene.back()).unwrap() {
            assert_eq!(contents(&scene.file()), contents(&scene.back()), "{steps}");
            fs::remove_file(scene.back()).unwrap();
        }
    }
    let ended = scene.copy(&scene.url(), &scene.back()).exits(0);
    ended.tells("going on with an unfinished copy");
    assert_eq!(contents(&scene.file()), contents(&scene.back()));
    assert!(!fs::exists(format!("{}.copying", scene.back())).unwrap());
}

#[test]
fn a_state_that_changed_since_is_copied_from_the_beginning() {
    let scene = Scene::new(&["probe", "viewed"]);
    scene.world.change_state(MANY);
    assert!(scene.copy_killed_after(3, &scene.file(), &scene.url()));
    scene.world.change_state("UPDATE many SET text = 'other' WHERE n = 5");
    scene
        .copy(&scene.file(), &scene.url())
        .exits(0)
        .tells("beginning anew: the unfinished copy does not fit the state");
    drop(scene.copy(&scene.url(), &scene.back()).exits(0));
    assert_eq!(contents(&scene.file()), contents(&scene.back()));
}

#[test]
fn a_schema_that_changed_since_is_made_anew() {
    let scene = Scene::new(&["probe"]);
    scene.world.change_state(MANY);
    assert!(scene.copy_killed_after(3, &scene.file(), &scene.url()));
    scene.world.change_state("CREATE TABLE more AS SELECT 1 AS n");
    scene
        .copy(&scene.file(), &scene.url())
        .exits(0)
        .tells("beginning anew: the tables of the state have changed");
    assert_eq!(scene.database.sql("SELECT n FROM main.more"), "1");
}

#[test]
fn an_unfinished_copy_of_another_state_is_refused() {
    let scene = Scene::new(&["probe"]);
    scene.world.change_state(MANY);
    assert!(scene.copy_killed_after(3, &scene.file(), &scene.url()));
    let other = scene.back();
    fs::copy(scene.file(), &other).unwrap();
    let refused = scene.copy(&other, &scene.url()).exits(2);
    refused.tells("has an unfinished copy of");
    refused.tells("DROP SCHEMA session_host_copy CASCADE");
}
