//! SIGINT and SIGTERM: the first ends a run in good order, the second at once.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    process::{Child, Stdio},
    time::Duration,
};

use serde_json::json;
use session_host_tests::{Ran, World, wait_until};

use crate::script::{capped, counts, processed, rows, script};

const SESSIONS: u64 = 10;

/// A world whose first session waits in its attempt for the file `go`.
fn world() -> World {
    let world = World::with(&["probe_serial"]);
    let waiting = [
        json!({"do": "rows", "count": 2}),
        json!({"do": "touch", "path": world.path("attempted")}),
        json!({"do": "wait_for_file", "path": world.path("go")}),
    ];
    world.write("alice/0.jsonl", script(&waiting));
    world.age("alice/0.jsonl", Duration::from_secs(60));
    for number in 1..SESSIONS {
        world.write(&format!("alice/{number}.jsonl"), rows(1));
    }
    world
}

/// Starts a run in a process group of its own, its log in the file `log`, and waits until the first session is being
/// processed.
fn start(world: &World) -> Child {
    let mut command = world.command(&["run", "--json", "probe_serial"]);
    command
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(File::create(world.path("log")).unwrap());
    let child = command.spawn().unwrap();
    wait_until("the first session is being processed", || {
        world.path("attempted").exists()
    });
    child
}

/// Sends a signal to the host's process group, as a terminal does, and waits until the host has taken it.
#[allow(unsafe_code, reason = "the system call has no safe wrapper in std")]
fn end(world: &World, child: &Child, signal: i32) {
    // SAFETY: kill takes numbers and touches no memory; the group is that of a child that has not been waited for.
    assert_eq!(unsafe { libc::kill(-child.id().cast_signed(), signal) }, 0);
    wait_until("the host has taken the signal", || {
        fs::read_to_string(world.path("log"))
            .unwrap()
            .contains("a second signal ends the process at once")
    });
}

fn ends_in_good_order(world: &World, signal: i32) {
    let child = start(world);
    end(world, &child, signal);
    fs::write(world.path("go"), "").unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(0);
    assert_eq!(counts(&ran), processed(1) + capped(SESSIONS - 1));
    assert_eq!(
        (world.count("probe_serial_rows"), world.count("session_processor_state")),
        (2, 1)
    );
    assert_eq!(world.rows("SELECT result FROM audit_log"), [json!({"result": "ok"})]);
    assert_eq!(world.run(&["probe_serial"]).exits(0).result().processed, SESSIONS - 1);
}

#[test]
fn sigterm_ends_a_run_in_good_order() {
    ends_in_good_order(&world(), libc::SIGTERM);
}

#[test]
fn sigint_ends_a_run_in_good_order() {
    ends_in_good_order(&world(), libc::SIGINT);
}

#[test]
fn the_interrupt_of_a_terminal_does_not_reach_attempts_in_workers() {
    let mut world = world();
    world.set_variable("SESSION_HOST_ISOLATION", "process");
    ends_in_good_order(&world, libc::SIGINT);
}

#[test]
fn the_second_signal_ends_at_once() {
    let world = world();
    let child = start(&world);
    end(&world, &child, libc::SIGTERM);
    end(&world, &child, libc::SIGINT);
    drop(Ran::of(child.wait_with_output().unwrap()).exits(130));
    assert_eq!(
        (world.count("probe_serial_rows"), world.count("session_processor_state")),
        (0, 0)
    );
    fs::write(world.path("go"), "").unwrap();
    assert_eq!(counts(&world.run(&["probe_serial"]).exits(0)), processed(SESSIONS));
}
