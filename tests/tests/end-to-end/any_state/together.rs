//! Runs that begin together, and read each transcript once.

use std::{fs, time::Duration};

use serde_json::json;
use session_host_tests::{Held, World};

use crate::script::rows;

#[test]
fn all_processors_get_the_version_that_was_read_once() {
    let world = World::with(&["probe", "probe_serial"]);
    let held = Held::before(&world, "alice/a.jsonl", "");
    let transcript = fs::read_to_string(world.sessions().join("alice/a.jsonl")).unwrap();
    let running = world.start(&["run", "--json", "--workers", "1"]);
    held.starts();
    world.write("alice/a.jsonl", transcript.clone() + &rows(5));
    held.let_go();
    let ran = running.ends().exits(0);
    assert_eq!(ran.results.len(), 2);
    let recorded = world.rows("SELECT file_size FROM session_processor_state");
    assert_eq!(recorded, vec![json!({"file_size": transcript.len()}); 2]);
}

#[test]
fn a_processor_that_takes_long_holds_up_no_other() {
    let world = World::with(&["probe", "probe_serial"]);
    let go_on = world.path("go-on");
    // The other one has no such table, so the session fails there at once.
    let only_in_the_probe = json!({"do": "rows", "table": "probe_rows", "count": 1});
    let wait = json!({"do": "wait_for_file", "path": go_on});
    world.write("alice/waits.jsonl", format!("{only_in_the_probe}\n{wait}\n"));
    world.age("alice/waits.jsonl", Duration::from_secs(100));
    // These are more than is held for a run that takes nothing.
    let padding = " ".repeat(6 << 20);
    for number in 0..10 {
        let session = format!("bob/{number}.jsonl");
        world.write(&session, format!("{}\n{padding}\n", rows(1)));
        world.age(&session, Duration::from_secs(50));
    }
    world.write("carol/last.jsonl", json!({"do": "touch", "path": go_on}).to_string());
    let ran = world.run(&["--attempt-timeout", "60", "--workers", "1"]).exits(1);
    let (slow, other) = (ran.result_of("probe"), ran.result_of("probe_serial"));
    assert_eq!((slow.processed, slow.errors), (12, 0));
    assert_eq!((other.processed, other.errors), (11, 1));
}

#[test]
fn each_processor_keeps_its_own_candidates() {
    let world = World::with(&["probe", "probe_serial"]);
    for number in 0..30 {
        world.write(&format!("alice/{number}.jsonl"), rows(1));
    }
    let ran = world.run(&["probe", "--max-sessions", "10"]).exits(0);
    assert_eq!((ran.result().processed, ran.result().capped), (10, 20));
    let ran = world.run(&[]).exits(0);
    assert_eq!(ran.result_of("probe").processed, 20);
    assert_eq!(ran.result_of("probe_serial").processed, 30);
    for table in ["probe_rows", "probe_serial_rows"] {
        assert_eq!(world.count(table), 30);
    }
}
