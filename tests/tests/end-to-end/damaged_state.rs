//! A state file that was damaged: told with its remedy and exit status 3, and never taken for a whole one.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use session_host_tests::{Ran, World, wait_until};

use crate::{
    numbers::Numbers,
    script::{self, execute, script},
};

const PLACES: u64 = 40;

/// A session whose rows fill blocks.
fn write_session(world: &World, numbers: &mut Numbers, name: &str) {
    let rows = json!({"do": "rows", "count": 20 + numbers.below(40), "text": numbers.words(12)});
    let note = json!({"do": "rows", "count": 1, "table": "probe_notes", "text": numbers.words(200)});
    world.write(name, script(&[rows, note]));
    world.age(name, Duration::from_secs(60));
}

/// A state with sessions in the file, further ones in the WAL, and some that no run has seen.
fn scene(numbers: &mut Numbers) -> World {
    let world = World::with(&["probe"]);
    for number in 0..120 {
        write_session(&world, numbers, &format!("alice/{number}.jsonl"));
    }
    drop(world.run(&["probe"]).exits(0));
    for number in 0..60 {
        write_session(&world, numbers, &format!("bob/{number}.jsonl"));
    }
    let open = world.path("open");
    let waits = script(&[
        execute("INSERT INTO probe_totals VALUES ('never', 1)"),
        json!({"do": "touch", "path": open}),
        json!({"do": "wait_for_file", "path": world.path("never")}),
    ]);
    let last = world.write("bob/last.jsonl", waits);
    let running = world.start(&["run", "--workers", "1", "probe"]);
    wait_until("all sessions but the last are committed", || open.exists());
    running.signal(libc::SIGKILL);
    drop(running.ends());
    fs::remove_file(last).unwrap();
    for number in 0..10 {
        write_session(&world, numbers, &format!("carol/{number}.jsonl"));
    }
    world
}

/// What processors wrote, without what depends on time.
fn contents(world: &World) -> Vec<Vec<Value>> {
    script::contents(
        world,
        "processor_name, session_file, username, items_extracted, file_hash",
    )
}

fn put_into_place(kept: &Path, data: &Path) {
    fs::remove_dir_all(data).unwrap();
    fs::create_dir(data).unwrap();
    for name in ["session-host.duckdb", "session-host.duckdb.wal"] {
        fs::copy(kept.join(name), data.join(name)).unwrap();
    }
}

/// Damages one of the files somewhere, and tells how.
fn damage(data: &Path, numbers: &mut Numbers) -> String {
    let name = ["session-host.duckdb", "session-host.duckdb.wal"][usize::try_from(numbers.below(2)).unwrap()];
    let path = data.join(name);
    let mut bytes = fs::read(&path).unwrap();
    let at = usize::try_from(numbers.below(bytes.len() as u64)).unwrap();
    let overwrite = |bytes: &mut Vec<u8>, at: usize, length: usize, value: u8| {
        let end = bytes.len().min(at + length);
        bytes[at..end].iter_mut().for_each(|byte| *byte = value);
    };
    let how = match numbers.below(6) {
        0 => {
            bytes[at] ^= 1 << numbers.below(8);
            "one bit is another"
        }
        1 => {
            overwrite(&mut bytes, at, 512, 0);
            "a sector is zero"
        }
        2 => {
            overwrite(&mut bytes, at, 64, 0xa7);
            "64 bytes are others"
        }
        3 => {
            bytes.truncate(at);
            "the rest is cut off"
        }
        4 => {
            overwrite(&mut bytes, at - at % 4096, 4096, 0);
            "a page is a hole"
        }
        _ => {
            let within_headers = at % bytes.len().min(3 * 4096);
            bytes[within_headers] ^= 1 << numbers.below(8);
            "one bit of the headers is another"
        }
    };
    fs::write(&path, bytes).unwrap();
    format!("{name}: at byte {at}, {how}")
}

/// Whether a command took the state for a whole one; where it did not, it says what to do.
#[track_caller]
fn succeeded(ran: &Ran, damage: &str) -> bool {
    let says_what_to_do = ran.stderr.contains("restore a backup");
    match (ran.status, says_what_to_do) {
        (0, false) => true,
        (3, true) => false,
        (status, _) => panic!("{damage}: exit status {status}\n{}", ran.stderr),
    }
}

#[test]
fn damage_anywhere_is_told_with_its_remedy_or_changes_nothing() {
    let mut numbers = Numbers(10);
    let world = scene(&mut numbers);
    let (data, kept) = (world.path("data"), world.path("kept"));
    fs::rename(&data, &kept).unwrap();
    fs::create_dir(&data).unwrap();
    put_into_place(&kept, &data);
    drop(world.run(&["probe"]).exits(0));
    let expected = contents(&world);

    let mut refused = 0;
    for place in 0..PLACES {
        put_into_place(&kept, &data);
        let damage = damage(&data, &mut numbers);
        let is_whole = succeeded(&world.run(&["probe"]), &damage)
            // Whoever reads every table finds what the run had no need to read.
            && succeeded(&world.host(&["export", world.path(format!("export-{place}")).to_str().unwrap()]), &damage);
        match is_whole {
            true => assert!(contents(&world) == expected, "{damage}: the tables differ"),
            false => refused += 1,
        }
    }
    assert!(
        (PLACES / 4..PLACES).contains(&refused),
        "{refused} of {PLACES} were refused"
    );
}

#[test]
fn a_damaged_block_that_a_query_meets_is_told_with_its_remedy() {
    /// How DuckDB lays out a file: headers, then blocks, each with a checksum.
    const HEADERS: usize = 3 * 4096;
    const BLOCK: usize = 256 << 10;
    let mut numbers = Numbers(11);
    let world = World::with(&["probe"]);
    for number in 0..40 {
        write_session(&world, &mut numbers, &format!("alice/{number}.jsonl"));
    }
    drop(world.run(&["probe"]).exits(0));
    let whole = fs::read(world.state()).unwrap();
    let mut met = 0;
    for block in 0..(whole.len() - HEADERS) / BLOCK {
        let mut bytes = whole.clone();
        bytes[HEADERS + block * BLOCK + 1000] ^= 1;
        fs::write(world.state(), bytes).unwrap();
        let damage = format!("block {block}: one bit is another");
        let opens = succeeded(&world.host(&["query", "SELECT 1"]), &damage);
        let reads = "SELECT sum(length(text)) FROM probe_rows UNION ALL SELECT sum(length(text)) FROM probe_notes";
        let is_read = succeeded(&world.host(&["query", reads]), &damage);
        met += u32::from(opens && !is_read);
    }
    assert!(met > 0, "no damaged block was met by a query");
}

/// The files that belong to a state, each to be replaced by something else.
fn files(world: &World) -> [PathBuf; 3] {
    ["", ".wal", ".before-checkpoint"].map(|ending| world.path(format!("data/session-host.duckdb{ending}")))
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    for place in 0..3 {
        for make in [&["mkfifo"][..], &["mkdir"], &["ln", "-s", "/dev/zero"]] {
            let world = World::with(&["probe"]);
            drop(world.run(&[]).exits(0));
            let path = &files(&world)[place];
            let _ = fs::remove_file(path);
            let made = std::process::Command::new(make[0]).args(&make[1..]).arg(path).status();
            assert!(made.unwrap().success());
            for command in [&["run"][..], &["status"], &["forget", "alice"]] {
                let refused = world.host(command).exits(3);
                let odd = match (make[0], place) {
                    ("ln", 1..) => "is a symbolic link",
                    _ => "is not a regular file",
                };
                let complaint = format!("{} {odd}", path.display());
                refused.tells(&complaint);
            }
        }
    }
}

#[test]
fn a_link_beside_the_state_is_neither_followed_nor_filled() {
    for place in 1..3 {
        let world = World::with(&["probe"]);
        drop(world.run(&[]).exits(0));
        let (link, target) = (&files(&world)[place], world.path("elsewhere"));
        // The WAL of a run without sessions has nothing but the run in it.
        let _ = fs::remove_file(link);
        std::os::unix::fs::symlink(&target, link).unwrap();
        for command in [&["run"][..], &["status"], &["forget", "alice"]] {
            let refused = world.host(command).exits(3);
            let complaint = format!(
                "{} is a symbolic link, which the host never creates: remove it",
                link.display()
            );
            refused.tells(&complaint);
            assert!(!target.exists(), "the target of the link was made");
        }
        fs::remove_file(link).unwrap();
        // The state itself may lie elsewhere.
        fs::rename(world.state(), &target).unwrap();
        std::os::unix::fs::symlink(&target, world.state()).unwrap();
        drop(world.run(&[]).exits(0));
    }
}
