//! Which sessions a run looks at, and which of those it processes.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime},
};

use serde_json::json;
use session_host_tests::{Held, World, wait_until};

use crate::script::{NOTHING, counts, processed, rows, skipped};

const HOUR: Duration = Duration::from_secs(3600);

/// A world with the probe and one session, processed, and so long ago that nothing can hide.
fn settled_world() -> World {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(3));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    settle(&world);
    world
}

/// Moves the times at which sessions were read ahead, so that their files look as if they had long been at rest.
fn settle(world: &World) {
    world.change_state("UPDATE session_processor_state SET checked_at = checked_at + INTERVAL 1 HOUR");
}

fn set_modified(path: &Path, time: SystemTime) {
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// Checks that a run processes the session, which then has so many rows.
#[track_caller]
fn is_processed_to(world: &World, rows: u64) {
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(world.count("probe_rows"), rows);
}

/// Writes another session of the same size, changed at this time, and checks that a run processes it.
#[track_caller]
fn a_rewrite_is_noticed(world: &World, changed: SystemTime) {
    let path = world.write("alice/a.jsonl", rows(4));
    set_modified(&path, changed);
    is_processed_to(world, 4);
}

#[test]
fn a_session_at_rest_is_processed_once_and_then_not_even_opened() {
    let world = settled_world();
    let ran = world.run(&["probe"]).exits(0);
    assert_eq!(counts(&ran), NOTHING);
    assert_eq!(ran.result().bytes_read, 0);
    assert_eq!(world.count("probe_rows"), 3);
}

#[test]
fn changed_content_is_noticed() {
    let world = settled_world();
    world.write("alice/a.jsonl", rows(50));
    is_processed_to(&world, 50);
}

#[test]
fn growth_is_noticed() {
    let world = settled_world();
    world.write("alice/a.jsonl", rows(3) + &rows(2));
    is_processed_to(&world, 5);
}

#[test]
fn growth_with_the_time_restored_is_noticed() {
    let world = settled_world();
    let path = world.sessions().join("alice/a.jsonl");
    let before = modified(&path);
    world.write("alice/a.jsonl", rows(3) + "\n");
    set_modified(&path, before);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
}

#[test]
fn a_rewrite_of_the_same_size_within_the_same_moment_is_noticed() {
    let world = World::with(&["probe"]);
    let path = world.write("alice/a.jsonl", rows(3));
    let before = modified(&path);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    a_rewrite_is_noticed(&world, before);
}

#[test]
fn a_rewrite_with_an_older_time_is_noticed() {
    let world = settled_world();
    world.write("alice/a.jsonl", rows(4));
    world.age("alice/a.jsonl", 24 * HOUR);
    is_processed_to(&world, 4);
}

#[test]
fn a_rewrite_of_the_same_size_with_the_recorded_time_is_noticed() {
    let world = World::with(&["probe"]);
    let path = world.write("alice/a.jsonl", rows(3));
    let before = modified(&path);
    // No program can set the time of the change of attributes: only waiting makes it old.
    let at_rest = || {
        let changed = Duration::from_secs(fs::metadata(&path).unwrap().ctime().unsigned_abs() + 1);
        SystemTime::UNIX_EPOCH.elapsed().unwrap() > changed + Duration::from_secs(2)
    };
    wait_until("the file is at rest", at_rest);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), NOTHING);

    a_rewrite_is_noticed(&world, before);
}

#[test]
fn a_touch_without_change_is_skipped_and_remembered() {
    let world = settled_world();
    let path = world.sessions().join("alice/a.jsonl");
    let state = "SELECT epoch_us(file_mtime) AS modified, checked_at > processed_at AS checked_later, file_size
                 FROM session_processor_state";
    world.change_state("UPDATE session_processor_state SET checked_at = processed_at");
    set_modified(&path, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    assert_eq!(
        counts(&world.run(&["probe", "--max-sessions", "1"]).exits(0)),
        skipped(1)
    );
    assert_eq!(
        world.rows(state),
        [json!({"modified": 1_700_000_000_000_000_i64, "checked_later": true, "file_size": rows(3).len()})]
    );
    assert_eq!(world.count("probe_rows"), 3);
    assert_eq!(world.count("session_processor_failure"), 0);

    settle(&world);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), NOTHING);
}

#[test]
fn a_row_of_the_older_schema_is_compared_by_time_alone() {
    let world = settled_world();
    let forget_the_file = "UPDATE session_processor_state SET file_size = NULL, file_mtime = NULL, checked_at = NULL";
    world.change_state(forget_the_file);
    world.age("alice/a.jsonl", HOUR);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), NOTHING);

    set_modified(&world.sessions().join("alice/a.jsonl"), SystemTime::now());
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), skipped(1));
    let complete = "SELECT count(*) AS rows FROM session_processor_state
                    WHERE file_size IS NOT NULL AND file_mtime IS NOT NULL AND checked_at IS NOT NULL";
    assert_eq!(world.rows(complete), [json!({"rows": 1})]);
}

#[test]
fn a_session_that_disappears_keeps_its_rows() {
    let world = settled_world();
    fs::remove_file(world.sessions().join("alice/a.jsonl")).unwrap();
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), NOTHING);
    assert_eq!(world.count("probe_rows"), 3);
    assert_eq!(world.count("session_processor_state"), 1);
}

#[test]
fn what_grows_while_it_is_processed_is_recorded_as_it_was_read() {
    let world = World::with(&["probe"]);
    let held = Held::before(&world, "alice/a.jsonl", &rows(2));
    let transcript = fs::read_to_string(world.sessions().join("alice/a.jsonl")).unwrap();
    let running = world.start(&["run", "--json", "probe"]);
    held.starts();
    world.write("alice/a.jsonl", transcript.clone() + &rows(5));
    held.let_go();
    assert_eq!(counts(&running.ends().exits(0)), processed(1));
    assert_eq!(world.count("probe_rows"), 2);
    assert_eq!(
        world.rows("SELECT file_size FROM session_processor_state"),
        [json!({"file_size": transcript.len()})]
    );

    settle(&world);
    is_processed_to(&world, 7);
}
