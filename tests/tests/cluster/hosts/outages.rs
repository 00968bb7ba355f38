//! PostgreSQL fails: the hosts wait for it, and go on by themselves.

use session_host_tests::{Postgres, PostgresSetup, SmallDisk, wait_until};
use tempfile::tempdir;

use super::scene::{Member, Scene, Setup};

const PLUGINS: &[&str] = &["probe", "probe_serial", "counts"];

/// Two hosts that have processed some sessions, which then change.
#[track_caller]
fn begin(server: &Postgres) -> (Scene, Vec<Member>) {
    let scene = Scene::new(server.database().url(), PLUGINS);
    scene.write_many(60, &"x".repeat(2000));
    let setup: Setup = scene.setup();
    let members = vec![scene.start(&setup), scene.start(&setup)];
    scene.wait_for_all();
    (scene, members)
}

/// Changes every session, and waits until so many of them are committed.
#[track_caller]
fn change(scene: &Scene, sessions: usize) {
    let wanted = scene.versions() + sessions;
    scene.change();
    scene.wait_for(
        "so much is committed",
        &format!("SELECT count(*) >= {wanted} FROM watch.version"),
    );
}

#[track_caller]
fn end(scene: &Scene, members: Vec<Member>) {
    scene.wait_for_all();
    for member in members {
        member.ends();
    }
    scene.holds();
}

#[test]
fn hosts_go_on_when_a_server_that_was_killed_is_back() {
    let mut server = PostgresSetup::default().start();
    let (scene, members) = begin(&server);
    let observer = scene.observe();
    for sessions in [1, 40, 90] {
        change(&scene, sessions);
        server.kill();
        server.start_again();
    }
    scene.wait_for_all();
    observer.saw_nothing_half();
    end(&scene, members);
}

#[test]
fn hosts_go_on_when_the_server_has_room_again() {
    let place = tempdir().unwrap();
    let disk = SmallDisk::mount(place.path().to_owned(), 160);
    let server = PostgresSetup::default().on_disk(place.path()).start();
    let (scene, members) = begin(&server);
    let observer = scene.observe();
    // A new file of the log has room for all that follows.
    server.sql("SELECT pg_switch_wal(); CHECKPOINT");
    disk.fill(256 << 10);
    scene.write_many(400, &"y".repeat(2000));
    for lane in ["probe", "counts"] {
        members[0].tells_at_once(&["No space left on device", lane]);
    }
    for member in &members {
        wait_until("health warns", || member.warns("state"));
    }
    disk.make_room();
    scene.wait_for_all();
    observer.saw_nothing_half();
    end(&scene, members);
}
