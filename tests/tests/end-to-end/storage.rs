//! How a state file is stored: texts are compressed, and a file of an older storage version is copied once, whatever ends
//! the copy.

use std::{fs, os::unix::fs::MetadataExt as _, path::PathBuf, thread, time::Duration};

use serde_json::{Value, json};
use session_host_tests::{SmallDisk, World, wait_until};

use crate::{numbers::Numbers, script::rows};

/// A world with a state file as DuckDB makes it by itself, which holds a table of somebody.
fn scene() -> World {
    let world = World::with(&["probe"]);
    fill(&world);
    world
}

/// Makes the session and the state file, of some 20 MB.
fn fill(world: &World) {
    world.write("alice/a.jsonl", rows(3));
    world.change_state(
        "CREATE TABLE notes (id BIGINT PRIMARY KEY, note VARCHAR);
         INSERT INTO notes SELECT i, md5('a' || i) || md5('b' || i) || md5('c' || i) FROM range(150000) AS t(i)",
    );
    assert_eq!(version(world), "v1.0.0+");
}

fn version(world: &World) -> Value {
    let sql = "SELECT tags['storage_version'] AS version FROM duckdb_databases()
               WHERE database_name = current_database()";
    world.rows(sql)[0]["version"].clone()
}

fn notes(world: &World) -> Vec<Value> {
    world.rows("SELECT count(*) AS notes, sum(length(note)) AS letters FROM notes")
}

fn copies(world: &World) -> Vec<PathBuf> {
    let files = fs::read_dir(world.path("data"))
        .unwrap()
        .flatten()
        .map(|file| file.path());
    files
        .filter(|file| file.to_string_lossy().contains(".purged"))
        .collect()
}

fn inode(world: &World) -> u64 {
    fs::metadata(world.state()).unwrap().ino()
}

#[test]
fn the_first_run_copies_the_file_and_no_later_one() {
    let world = scene();
    let before = (inode(&world), notes(&world));
    drop(world.run(&["probe"]).exits(0));
    assert_eq!(version(&world), "v1.2.0+");
    let copied = inode(&world);
    assert_ne!(copied, before.0);
    drop(world.run(&["probe"]).exits(0));
    assert_eq!((inode(&world), notes(&world)), (copied, before.1));
    assert_eq!((world.count("probe_rows"), copies(&world)), (3, Vec::new()));
}

#[test]
fn a_copy_without_room_is_told_with_its_remedy_and_the_older_file_serves() {
    let world = World::with(&["probe"]);
    let disk = SmallDisk::mount(world.path("data"), 64);
    fill(&world);
    let held = notes(&world);
    // Enough for a checkpoint, and too little for a copy.
    disk.fill(16 << 20);
    let ran = world.run(&["probe"]).exits(0);
    for told in [
        "keeps an older storage version",
        "bytes are free",
        "free as much space as the file takes",
    ] {
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    assert_eq!((version(&world), notes(&world)), (json!("v1.0.0+"), held.clone()));
    assert_eq!((world.count("probe_rows"), copies(&world)), (3, Vec::new()));
    disk.make_room();
    assert_eq!(world.run(&["probe"]).exits(0).stderr, "");
    assert_eq!((version(&world), notes(&world)), (json!("v1.2.0+"), held));
}

#[test]
fn a_copy_that_is_killed_anywhere_is_made_by_the_next_start() {
    let world = scene();
    let (data, kept) = (world.path("data"), world.path("kept"));
    fs::rename(&data, &kept).unwrap();
    let mut numbers = Numbers(29);
    for round in 0..15 {
        let _ = fs::remove_dir_all(&data);
        fs::create_dir(&data).unwrap();
        fs::copy(kept.join("session-host.duckdb"), world.state()).unwrap();
        let (before, held) = (inode(&world), notes(&world));
        let running = world.start(&["run", "probe"]);
        wait_until("the copy begins, or has ended", || {
            !copies(&world).is_empty() || inode(&world) != before
        });
        // At its beginning, then anywhere. How far a copy comes depends on the machine.
        if round > 0 {
            thread::sleep(Duration::from_micros(numbers.below(150_000)));
        }
        running.signal(libc::SIGKILL);
        drop(running.ends());
        drop(world.run(&["probe"]).exits(0));
        assert_eq!((notes(&world), version(&world)), (held, json!("v1.2.0+")));
        assert_eq!((world.count("probe_rows"), copies(&world)), (3, Vec::new()));
    }
}

#[test]
fn texts_are_compressed() {
    let world = World::with(&["search"]);
    let words = "the quick brown fox jumps over the lazy dog and runs away from it ".repeat(50);
    let prompt = |number: u32| {
        let message = json!({"role": "user", "content": format!("{number} {words}")});
        let line = json!({"type": "user", "sessionId": "s1", "cwd": "/home/carla", "timestamp": "2026-03-07T10:00:00Z",
                          "uuid": format!("u{number}"), "message": message});
        format!("{line}\n")
    };
    world.write("carla/c.jsonl", (0..300).map(prompt).collect::<String>());
    drop(world.run(&["search"]).exits(0));
    let sql = "SELECT DISTINCT compression FROM pragma_storage_info('search_texts')
               WHERE column_name = 'text' AND segment_type = 'VARCHAR'";
    assert_eq!(world.rows(sql), [json!({"compression": "ZSTD"})]);
}
