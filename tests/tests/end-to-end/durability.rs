//! What survives `kill -9` in a state file: whole sessions or nothing of them, and the next run ends as if nothing had been.
//! The suite `cluster` kills hosts that share a state.

use std::{path::Path, thread, time::Duration};

use serde_json::{Value, json};
use session_host_tests::{World, wait_until};

use crate::{
    numbers::Numbers,
    script::{self, counts, execute, processed, script},
};

const SESSIONS: u64 = 160;

/// Sessions for both lanes; each makes a file when it is attempted.
fn write_corpus(world: &World) {
    std::fs::create_dir(world.path("attempted")).unwrap();
    for number in 0..SESSIONS {
        let mut steps = vec![
            json!({"do": "touch", "path": world.path(format!("attempted/{number}"))}),
            json!({"do": "rows", "count": number % 7, "first": number}),
            json!({"do": "rows", "count": number % 3, "table": "probe_notes"}),
        ];
        if number % 10 == 0 {
            steps.push(execute(
                "INSERT INTO probe_totals VALUES ('all', 1) ON CONFLICT (key) DO UPDATE SET n = n + 1",
            ));
        }
        world.write(&format!("user{}/{number}.jsonl", number % 5), script(&steps));
    }
}

/// All that a run leaves, without what depends on time, and without the folder that the sessions name.
fn contents(world: &World) -> Vec<Vec<Value>> {
    script::contents(
        world,
        "processor_name, session_file, username, items_extracted, output_version",
    )
}

/// Checks that no half of a session is there.
#[track_caller]
fn holds_whole_sessions(world: &World) {
    let torn = world.rows(
        "SELECT session_file, items_extracted, rows
         FROM (SELECT session_file, items_extracted FROM session_processor_state)
         FULL JOIN (SELECT session_file, count(*) AS rows
                    FROM (SELECT session_file FROM probe_rows UNION ALL SELECT session_file FROM probe_notes)
                    GROUP BY session_file) USING (session_file)
         WHERE items_extracted IS DISTINCT FROM coalesce(rows, 0)",
    );
    assert_eq!(torn, [] as [Value; 0]);
}

fn files_in(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().count() as u64
}

fn has_tables(world: &World) -> bool {
    world.state().exists()
        && !world
            .rows("SELECT * FROM duckdb_tables() WHERE table_name = 'probe_totals'")
            .is_empty()
}

#[test]
fn a_run_that_is_killed_anywhere_is_completed_by_the_next() {
    let undisturbed = World::with(&["probe"]);
    write_corpus(&undisturbed);
    assert_eq!(counts(&undisturbed.run(&["probe"]).exits(0)), processed(SESSIONS));
    let expected = contents(&undisturbed);

    let mut numbers = Numbers(1);
    for _ in 0..20 {
        let world = World::with(&["probe"]);
        write_corpus(&world);
        let kill_after = numbers.below(SESSIONS + 1);
        let delay = Duration::from_micros(numbers.below(20_000));
        let running = world.start(&["run", "probe"]);
        wait_until("so many sessions were attempted", || {
            files_in(&world.path("attempted")) >= kill_after
        });
        thread::sleep(delay);
        running.signal(libc::SIGKILL);
        drop(running.ends());

        if has_tables(&world) {
            holds_whole_sessions(&world);
        }
        drop(world.run(&["probe"]).exits(0));
        assert_eq!(
            contents(&world),
            expected,
            "killed after {kill_after} attempts and {delay:?}"
        );
    }
}

#[test]
fn small_runs_killed_a_hundred_times_leave_whole_sessions() {
    let world = World::with(&["probe"]);
    drop(world.run(&["probe"]).exits(0));
    let attempted = world.path("attempted");
    let mut numbers = Numbers(2);
    for version in 1..=100_u64 {
        let touch = json!({"do": "touch", "path": attempted});
        let own_rows = json!({"do": "rows", "count": numbers.below(5), "first": version});
        world.write("alice/replaces.jsonl", script(&[own_rows.clone(), touch.clone()]));
        let count = execute(&format!(
            "INSERT INTO probe_totals VALUES ('version', {version}) ON CONFLICT (key) DO UPDATE SET n = {version}"
        ));
        let own_note = json!({"do": "rows", "count": 1, "first": version, "table": "probe_notes"});
        world.write("alice/executes.jsonl", script(&[count, own_note, own_rows, touch]));

        let running = world.start(&["run", "probe"]);
        wait_until("a session is attempted", || attempted.exists());
        thread::sleep(Duration::from_micros(numbers.below(40_000)));
        running.signal(libc::SIGKILL);
        drop(running.ends());
        std::fs::remove_file(&attempted).unwrap();

        holds_whole_sessions(&world);
        let apart =
            "SELECT * FROM probe_totals FULL JOIN probe_notes USING (n) WHERE key IS NULL OR session_file IS NULL";
        assert_eq!(world.rows(apart), [] as [Value; 0], "version {version}");
    }
    drop(world.run(&["probe"]).exits(0));
    assert_eq!(world.rows("SELECT n FROM probe_totals"), [json!({"n": 100})]);
    holds_whole_sessions(&world);
}
