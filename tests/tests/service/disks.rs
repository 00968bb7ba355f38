//! Disks that are full, read-only or broken while the service runs, and at its start.

use std::{fs, path::PathBuf, thread};

use serde_json::json;
use session_host_tests::{FailingDisk, Held, Service, SmallDisk, World, wait_until};

use crate::steps::{value, write_sessions};

/// What health says of the state.
#[track_caller]
fn ailment(service: &Service) -> Option<String> {
    let health = service.get("/api/health").is(200).json();
    let warnings = health["warnings"].as_array().unwrap();
    let told = warnings.iter().find(|warning| warning["kind"] == "state")?;
    assert_eq!(health["status"], "degraded");
    Some(told["message"].as_str().unwrap().to_owned())
}

#[track_caller]
fn rows(service: &Service) -> u64 {
    value(service, "SELECT count(*) FROM probe_rows").as_u64().unwrap()
}

/// A world with the probe and sessions of one row each, on a disk that works for now, and a server that has processed them.
#[track_caller]
fn serve_processed_on_a_failing_disk(sessions: usize) -> (World, FailingDisk, Service) {
    let world = World::with(&["probe"]);
    write_sessions(&world, sessions);
    let disk = FailingDisk::new(&world);
    let mut command = world.serving(&[]);
    disk.holds(&mut command);
    let service = world.serve_by(command);
    drop(service.run("probe").is(200));
    (world, disk, service)
}

/// Checks that the server has so many rows, ends well, and leaves them in the state.
#[track_caller]
fn ends_with(service: Service, world: &World, expected: u64) {
    assert_eq!(rows(&service), expected);
    assert_eq!(service.stop().0, Some(0));
    assert_eq!(world.count("probe_rows"), expected);
}

/// A session of some megabytes of rows.
fn write_large(world: &World, name: &str) -> u64 {
    const ROWS: u64 = 30_000;
    world.write(
        name,
        json!({"do": "rows", "count": ROWS, "text": "which no checkpoint makes smaller than this ".repeat(3)})
            .to_string(),
    );
    ROWS
}

#[test]
fn a_full_disk_is_told_at_once_and_all_goes_on_when_there_is_room() {
    let world = World::new();
    let disk = SmallDisk::mount(world.path("data"), 64);
    world.install("probe");
    write_sessions(&world, 5);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    let large = write_large(&world, "bob/large.jsonl");

    disk.fill(1 << 20);
    let refused = service.run("probe").is(500);
    assert!(
        refused.detail().contains("make room on the disk"),
        "{}",
        refused.detail()
    );
    let told = ailment(&service).expect("a warning at once");
    assert!(told.contains("make room on the disk"), "{told}");
    assert_eq!(rows(&service), 5, "what was committed is read as ever");

    disk.make_room();
    let details = service.run("probe").is(200).json()["details"].clone();
    assert_eq!(
        (&details["processed"], &details["errors"]),
        (&json!(1), &json!(0)),
        "{details}"
    );
    wait_until("the warning goes", || ailment(&service).is_none());
    ends_with(service, &world, 5 + large);
}

#[test]
fn a_reload_with_little_room_leaves_a_service_that_serves() {
    let world = World::new();
    let disk = SmallDisk::mount(world.path("data"), 64);
    world.install("probe");
    let service = world.serve(&[]);
    let large = write_large(&world, "bob/large.jsonl");
    drop(service.run("probe").is(200));

    world.install("probe_other");
    disk.fill(5 << 20);
    drop(service.post("/api/admin/reload-plugins"));
    assert!(ailment(&service).is_some());
    write_sessions(&world, 1);
    drop(service.run("probe").is(200));
    assert_eq!(rows(&service), large + 1);
    disk.make_room();
    wait_until("the warning goes", || ailment(&service).is_none());
    assert_eq!(service.stop().0, Some(0));
}

#[test]
fn a_state_that_duckdb_gives_up_is_reopened_with_all_committed_data() {
    for error in [libc::ENOSPC, libc::EIO, libc::EROFS] {
        let (world, disk, service) = serve_processed_on_a_failing_disk(3);

        // A run goes on when it happens.
        let held = Held::write(&world, "alice/held.jsonl");
        thread::scope(|scope| {
            let run = scope.spawn(|| service.run("probe"));
            held.starts();
            world.install("probe_other");
            disk.fails(error, "/session-host.duckdb");
            drop(service.post("/api/admin/reload-plugins"));
            wait_until("health tells", || ailment(&service).is_some());
            disk.works();
            wait_until("the state is open and well", || ailment(&service).is_none());
            held.let_go();
            let ended = run.join().unwrap();
            assert!([200, 500, 503].contains(&ended.status), "{}", ended.body);
        });
        assert_eq!(rows(&service), 3 + u64::from(rows(&service) == 4));
        drop(service.run("probe").is(200));
        ends_with(service, &world, 4);
    }
}

#[test]
fn a_log_of_changes_that_cannot_be_written_is_told_and_mends() {
    for error in [libc::EIO, libc::EROFS, libc::EDQUOT] {
        let (world, disk, service) = serve_processed_on_a_failing_disk(2);

        write_sessions(&world, 4);
        disk.fails(error, "/session-host.duckdb.wal");
        assert!([500, 503].contains(&service.run("probe").status));
        assert!(ailment(&service).is_some());
        disk.works();
        wait_until("the warning goes", || ailment(&service).is_none());
        drop(service.run("probe").is(200));
        ends_with(service, &world, 4);
    }
}

#[test]
fn a_start_on_a_disk_that_takes_no_writes_may_be_repeated() {
    let world = World::with(&["probe"]);
    let disk = SmallDisk::mount(world.path("data"), 32);
    disk.fill(0);
    for command in [&["serve"][..], &["run"]] {
        let ran = world.host(command).exits(1);
        ran.tells("make room on the disk");
    }
    disk.make_room();
    drop(world.host(&["run"]).exits(0));
    disk.make_read_only();
    for command in [&["serve"][..], &["run"]] {
        let ran = world.host(command).exits(1);
        ran.tells("mount it for writing again");
    }
}

#[test]
fn a_first_start_without_room_for_the_token_may_be_repeated() {
    let world = World::new();
    let disk = SmallDisk::mount(world.path("data"), 1);
    disk.fill(0);
    let ran = world.host(&["serve"]).exits(1);
    ran.tells("make room on the disk");
    disk.make_room();
    drop(world.serve(&[]));
}

/// The files of a state, which are moved away and put back.
struct Moved {
    files: Vec<(PathBuf, PathBuf)>,
}

impl Moved {
    #[track_caller]
    fn away(world: &World) -> Self {
        let names = ["session-host.duckdb", "session-host.duckdb.wal"];
        let files = names.map(|name| (world.path("data").join(name), world.path(name)));
        let files: Vec<(PathBuf, PathBuf)> = files.into_iter().filter(|(place, _)| place.exists()).collect();
        for (place, elsewhere) in &files {
            fs::rename(place, elsewhere).unwrap();
        }
        Self { files }
    }

    #[track_caller]
    fn back(&self) {
        for (place, elsewhere) in &self.files {
            fs::rename(elsewhere, place).unwrap();
        }
    }
}

#[test]
fn a_state_file_that_is_gone_is_not_purged_and_the_state_stays_open() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 3);
    world.write("bob/1.jsonl", r#"{"do":"rows","count":1}"#);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));

    let moved = Moved::away(&world);
    let refused = service.post("/api/admin/forget?subject=bob").is(500).detail();
    assert!(refused.contains("is gone"), "{refused}");
    assert!(!world.state().exists(), "an empty state was made");
    wait_until("health tells", || ailment(&service).is_some());
    assert_eq!(rows(&service), 4);

    moved.back();
    wait_until("the warning goes", || ailment(&service).is_none());
    let forgotten = service.post("/api/admin/forget?subject=bob").is(200).json();
    assert_eq!((&forgotten["rows"], &forgotten["purged"]), (&json!(1), &json!(true)));
    ends_with(service, &world, 3);
}

#[test]
fn a_closed_state_whose_file_is_gone_is_never_replaced_by_an_empty_one() {
    let (world, disk, service) = serve_processed_on_a_failing_disk(3);

    world.install("probe_other");
    disk.fails(libc::EIO, "/session-host.duckdb");
    drop(service.post("/api/admin/reload-plugins"));
    wait_until("the state is closed", || {
        service.query("SELECT 1", &json!([])).status == 503
    });
    let moved = Moved::away(&world);
    disk.works();
    wait_until("health tells that the file is gone, or that it is well", || {
        ailment(&service).is_none_or(|told| told.contains("is gone"))
    });
    let told = ailment(&service).expect("a state without its file is not well");
    assert!(told.contains("mount the volume"), "{told}");
    drop(service.run("probe").is(503));
    assert!(!world.state().exists(), "an empty state was made");

    moved.back();
    wait_until("the warning goes", || ailment(&service).is_none());
    ends_with(service, &world, 3);
}
