//! The transaction that the attempts of a serial processor share.

use std::{fs, thread, time::Duration};

use serde_json::{Value, json};
use session_host_tests::{Ran, World, wait_until};

use crate::{
    numbers::Numbers,
    script::{capped, counts, execute, failed, processed, script},
};

const COUNT_UP: &str =
    "INSERT INTO probe_serial_totals VALUES ('k', 1) ON CONFLICT (key) DO UPDATE SET n = probe_serial_totals.n + 1";
const COLLIDES: &str = "INSERT INTO probe_serial_totals VALUES ('x', 1), ('x', 2)";
const CHANCE: &str = "INSERT INTO probe_serial_totals VALUES (uuid()::VARCHAR, 1)";

/// A session that tells of its call, counts itself, and then does this.
fn session(world: &World, key: &str, statement: &str, then: &[Value]) {
    let mut steps = vec![
        json!({"do": "tell_call", "path": world.path("calls")}),
        execute(statement),
        json!({"do": "rows", "count": 1}),
    ];
    steps.extend_from_slice(then);
    world.write(key, script(&steps));
}

/// So many sessions that count themselves, after which this one comes, and as many again.
fn write_around(world: &World, sessions: u64, then: &[Value]) {
    for number in 0..sessions {
        session(world, &format!("alice/{number}.jsonl"), COUNT_UP, &[]);
    }
    session(world, "bob/odd.jsonl", COUNT_UP, then);
    for number in 0..sessions {
        session(world, &format!("carol/{number}.jsonl"), COUNT_UP, &[]);
    }
}

fn run(world: &World) -> Ran {
    world.run(&["probe_serial", "--attempt-timeout", "10"])
}

/// The sessions for which the processor was called, each as often as it was.
fn calls(world: &World) -> Vec<String> {
    let calls = fs::read_to_string(world.path("calls")).unwrap();
    let mut calls: Vec<String> = calls.lines().map(str::to_owned).collect();
    calls.sort();
    calls
}

/// Checks that so many sessions left everything that they wrote, once, and that no call was made twice.
#[track_caller]
fn assert_whole(world: &World, sessions: u64, called: usize) {
    assert_written(world, sessions);
    assert_called(world, called, 0);
}

/// Checks that so many sessions left everything that they wrote, once.
#[track_caller]
fn assert_written(world: &World, sessions: u64) {
    assert_eq!(
        world.rows("SELECT sum(n)::BIGINT AS n FROM probe_serial_totals"),
        [json!({"n": sessions})]
    );
    assert_eq!(
        (world.count("probe_serial_rows"), world.count("session_processor_state")),
        (sessions, sessions)
    );
}

/// Checks that the processor was called for so many sessions, and so often again.
#[track_caller]
fn assert_called(world: &World, sessions: usize, again: usize) {
    let mut calls = calls(world);
    assert_eq!(calls.len(), sessions + again);
    calls.dedup();
    assert_eq!(calls.len(), sessions, "a session was called twice");
}

#[test]
fn an_attempt_that_fails_takes_nothing_of_the_others_with_it() {
    for then in [
        json!({"do": "error", "message": "no"}),
        json!({"do": "panic", "payload": "str"}),
        execute("INSERT INTO nowhere VALUES (1)"),
        execute(COLLIDES),
        json!({"do": "query", "sql": "SELECT error('no')", "swallow": true}),
        json!({"do": "rows", "count": 1, "first": -1}),
        json!({"do": "hang"}),
    ] {
        let world = World::with(&["probe_serial"]);
        let hangs = then["do"] == "hang";
        write_around(&world, 8, std::slice::from_ref(&then));
        let ran = run(&world).exits(1);
        // An attempt that hangs in this process ends the run.
        let (expected, called) = match hangs {
            true => (processed(8) + failed(1) + capped(8), 9),
            false => (processed(16) + failed(1), 17),
        };
        assert_eq!(counts(&ran), expected, "{then}");
        assert_written(&world, if hangs { 8 } else { 16 });
        // PostgreSQL tells of these rows as of those of another host. So the attempt is repeated once.
        let is_repeated = world.is_in_postgres() && then["sql"] == COLLIDES;
        assert_called(&world, called, usize::from(is_repeated));
    }
}

#[test]
fn an_attempt_whose_process_ends_takes_nothing_of_the_others_with_it() {
    for then in [json!({"do": "end_host", "by": "abort"}), json!({"do": "hang"})] {
        let world = World::with(&["probe_serial"]);
        world.config("[isolation]\nmode = \"process\"");
        write_around(&world, 8, std::slice::from_ref(&then));
        assert_eq!(counts(&run(&world).exits(1)), processed(16) + failed(1), "{then}");
        assert_whole(&world, 16, 17);
    }
}

#[test]
fn a_postponed_attempt_takes_nothing_of_the_others_with_it() {
    let world = World::with(&["probe_serial"]);
    write_around(&world, 8, &[json!({"do": "not_now", "reason": "later"})]);
    assert_eq!(counts(&run(&world).exits(0)), processed(8) + capped(9));
    assert_whole(&world, 8, 9);
}

#[test]
fn a_statement_that_depends_on_chance_is_run_once() {
    let world = World::with(&["probe_serial"]);
    for number in 0..30 {
        let then = match number % 3 {
            2 => vec![json!({"do": "error", "message": "no"})],
            _ => Vec::new(),
        };
        let statement = [CHANCE, COUNT_UP][number % 2];
        session(&world, &format!("alice/{number:02}.jsonl"), statement, &then);
    }
    assert_eq!(counts(&run(&world).exits(1)), processed(20) + failed(10));
    assert_whole(&world, 20, 30);
}

#[test]
fn each_attempt_sees_all_that_those_before_it_wrote() {
    let world = World::with(&["probe_serial"]);
    const SESSIONS: u64 = 30;
    for number in 0..SESSIONS {
        let steps = [
            json!({"do": "query", "sql": "SELECT count(*) FROM session_processor_state"}),
            execute(COUNT_UP),
            json!({"do": "query", "sql": "SELECT n + 100 FROM probe_serial_totals"}),
            json!({"do": "query", "sql": "SELECT count(*) + 1000 FROM probe_serial_notes"}),
            json!({"do": "rows", "count": 1, "table": "probe_serial_notes"}),
        ];
        // Every third one only gives rows.
        let steps = if number % 3 == 1 { &steps[4..] } else { &steps[..] };
        world.write(&format!("alice/{number:02}.jsonl"), script(steps));
    }
    assert_eq!(counts(&run(&world).exits(0)), processed(SESSIONS));
    let executing: Vec<u64> = (0..SESSIONS).filter(|number| number % 3 != 1).collect();
    let seen = executing.iter().copied();
    let totals = (1..).take(executing.len()).map(|n: u64| n + 100);
    let notes = executing.iter().map(|number| number + 1000);
    let expected: Vec<Value> = seen.chain(totals).chain(notes).map(|n| json!({"n": n})).collect();
    assert_eq!(world.rows("SELECT n FROM probe_serial_rows ORDER BY n"), expected);
}

#[test]
fn sessions_that_are_processed_again_are_recorded_once() {
    let world = World::with(&["probe_serial"]);
    write_around(&world, 8, &[]);
    drop(run(&world).exits(0));
    for passes in 2..4 {
        drop(world.host(&["reprocess", "probe_serial"]).exits(0));
        assert_eq!(counts(&run(&world).exits(0)), processed(17));
        let sums = world.rows("SELECT n FROM probe_serial_totals");
        assert_eq!(sums, [json!({"n": 17 * passes})]);
        assert_eq!(
            (world.count("probe_serial_rows"), world.count("session_processor_state")),
            (17, 17)
        );
    }
}

#[test]
fn a_serial_run_that_is_killed_anywhere_leaves_whole_sessions() {
    const SESSIONS: u64 = 200;
    let mut numbers = Numbers(3);
    for _ in 0..8 {
        let world = World::with(&["probe_serial"]);
        for number in 0..SESSIONS {
            session(&world, &format!("alice/{number:03}.jsonl"), COUNT_UP, &[]);
        }
        let kill_after = numbers.below(SESSIONS) + 1;
        let running = world.start(&["run", "probe_serial"]);
        wait_until("so many sessions were attempted", || {
            fs::read_to_string(world.path("calls")).is_ok_and(|calls| calls.lines().count() as u64 >= kill_after)
        });
        thread::sleep(Duration::from_micros(numbers.below(20_000)));
        running.signal(libc::SIGKILL);
        drop(running.ends());
        let torn = "SELECT (SELECT count(*) FROM session_processor_state) AS states,
                           (SELECT coalesce(sum(n), 0)::BIGINT FROM probe_serial_totals) AS totals,
                           (SELECT count(DISTINCT session_file) FROM probe_serial_rows) AS rows";
        let found = world.rows(torn);
        assert_eq!(
            (&found[0]["states"], &found[0]["states"]),
            (&found[0]["totals"], &found[0]["rows"])
        );
        drop(run(&world).exits(0));
        assert_eq!(
            world.rows(torn),
            [json!({"states": SESSIONS, "totals": SESSIONS, "rows": SESSIONS})],
            "killed after {kill_after} attempts"
        );
    }
}
