//! What becomes of the rows of a session's earlier versions, and of sessions that are to be processed again.

use serde_json::{Value, json};
use session_host_tests::World;

use crate::script::{NOTHING, counts, processed, rows, script};

fn world_with(sessions: &[(&str, String)]) -> World {
    let world = World::with(&["probe"]);
    for (session, transcript) in sessions {
        world.write(session, transcript);
    }
    world
}

fn settle(world: &World) {
    world.change_state("UPDATE session_processor_state SET checked_at = checked_at + INTERVAL 1 HOUR");
}

fn sessions_in(world: &World, table: &str) -> Vec<String> {
    let sql = format!("SELECT DISTINCT session_file FROM {table} ORDER BY session_file");
    let text = |row: &Value| row["session_file"].as_str().unwrap().to_owned();
    world.rows(&sql).iter().map(text).collect()
}

#[test]
fn rows_of_the_earlier_version_go_from_every_declared_table() {
    let both = script(&[
        json!({"do": "rows", "count": 3}),
        json!({"do": "rows", "count": 2, "table": "probe_notes"}),
    ]);
    let world = world_with(&[("alice/a.jsonl", both.clone()), ("alice/b.jsonl", both)]);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(2));

    settle(&world);
    let only_notes = script(&[json!({"do": "rows", "count": 1, "table": "probe_notes"})]);
    world.write("alice/a.jsonl", only_notes);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(
        world.rows("SELECT session_file, count(*) AS rows FROM probe_rows GROUP BY ALL"),
        [json!({"session_file": "alice/b.jsonl", "rows": 3})]
    );
    assert_eq!(
        world.rows("SELECT session_file, count(*) AS rows FROM probe_notes GROUP BY ALL ORDER BY ALL"),
        [
            json!({"session_file": "alice/a.jsonl", "rows": 1}),
            json!({"session_file": "alice/b.jsonl", "rows": 2})
        ]
    );
}

#[test]
fn a_session_that_now_yields_nothing_leaves_no_rows() {
    let world = world_with(&[("alice/a.jsonl", rows(3))]);
    drop(world.run(&["probe"]).exits(0));
    world.write("alice/a.jsonl", rows(0));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(world.count("probe_rows"), 0);
    assert_eq!(
        world.rows("SELECT items_extracted FROM session_processor_state"),
        [json!({"items_extracted": 0})]
    );
}

#[test]
fn several_calls_for_one_table_add_up() {
    let world = world_with(&[("alice/a.jsonl", rows(3) + &rows(4) + &rows(0))]);
    assert_eq!(world.run(&["probe"]).exits(0).result().items_extracted, 7);
    assert_eq!(world.count("probe_rows"), 7);
}

#[test]
fn a_new_release_of_a_processor_brings_old_sessions_up_to_date_after_changed_ones() {
    let world = world_with(&[("alice/changed.jsonl", rows(1)), ("alice/same.jsonl", rows(1))]);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(2));
    settle(&world);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), NOTHING);

    world.install_as("probe_v2", "probe.so");
    world.write("alice/changed.jsonl", rows(20));
    let up_to_date = "SELECT session_file FROM session_processor_state WHERE output_version = 2 ORDER BY session_file";
    let capped = world.run(&["probe", "--max-sessions", "1"]).exits(0);
    assert_eq!((capped.result().processed, capped.result().capped), (1, 1));
    assert_eq!(world.rows(up_to_date), [json!({"session_file": "alice/changed.jsonl"})]);

    settle(&world);
    assert_eq!(
        counts(&world.run(&["probe", "--max-sessions", "1"]).exits(0)),
        processed(1)
    );
    assert_eq!(world.rows(up_to_date).len(), 2);
    settle(&world);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), NOTHING);
}

#[test]
fn processors_are_independent_of_each_other() {
    let world = world_with(&[("alice/a.jsonl", rows(2))]);
    world.install("probe_other");
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    settle(&world);
    let both = world.run(&[]).exits(0);
    assert_eq!(both.result_of("probe").scanned, 0);
    assert_eq!(both.result_of("probe_other").processed, 1);
    assert_eq!((world.count("probe_rows"), world.count("probe_other_rows")), (2, 2));
}

#[test]
fn reprocessing_keeps_the_rows_until_they_are_replaced() {
    let world = world_with(&[("alice/a.jsonl", rows(3)), ("bob/b.jsonl", rows(1))]);
    drop(world.run(&["probe"]).exits(0));
    settle(&world);
    drop(world.host(&["reprocess", "probe", "alice/a.jsonl"]).exits(0));
    assert_eq!(sessions_in(&world, "probe_rows"), ["alice/a.jsonl", "bob/b.jsonl"]);
    let done = "SELECT session_file FROM session_processor_state WHERE output_version >= 0";
    assert_eq!(world.rows(done), [json!({"session_file": "bob/b.jsonl"})]);
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(1));
    assert_eq!(world.count("probe_rows"), 4);

    drop(world.host(&["reprocess", "probe"]).exits(0));
    assert_eq!((world.count("probe_rows"), world.rows(done).len()), (4, 0));
    drop(world.host(&["reprocess", "probe"]).exits(2));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(2));
    assert_eq!(world.count("probe_rows"), 4);
}

#[test]
fn reprocessing_what_was_never_processed_is_refused() {
    let world = world_with(&[("alice/a.jsonl", rows(3))]);
    drop(world.run(&["probe"]).exits(0));
    let refused = world.host(&["reprocess", "probe", "alice/z.jsonl"]).exits(2);
    refused.tells("no session alice/z.jsonl");
    let refused = world.host(&["reprocess", "prob"]).exits(2);
    refused.tells("no session");
}

#[test]
fn forgetting_a_user_removes_everything_about_that_user_alone() {
    let world = world_with(&[
        ("alice/a.jsonl", rows(3)),
        ("alice/fails.jsonl", crate::script::error("no")),
        ("alice2/a.jsonl", rows(1)),
        ("alic/a.jsonl", rows(1)),
    ]);
    world.install("probe_other");
    drop(world.run(&[]).exits(1));
    let forgot = world.host(&["forget", "alice"]).exits(0);
    let of_the_files = world.says(
        "the state file no longer holds its text\n",
        "the files of PostgreSQL hold the text of deleted rows until `VACUUM FULL` has rewritten the tables\n",
    );
    assert_eq!(
        forgot.stdout,
        format!(
            "forgot alice: 2 state rows, 2 failures, 6 rows of processors, 2 entries of the audit log\n{of_the_files}\
             not removed: rows in tables that name no session: probe_other_totals, probe_totals\n"
        )
    );
    for table in ["session_processor_state", "probe_rows", "probe_other_rows"] {
        assert_eq!(
            sessions_in(&world, table),
            ["alic/a.jsonl", "alice2/a.jsonl"],
            "{table}"
        );
    }
    assert_eq!(world.count("session_processor_failure"), 0);
}

#[test]
fn forgetting_a_session_removes_that_session_alone() {
    let world = world_with(&[("alice/a.jsonl", rows(3)), ("alice/a.jsonl.jsonl", rows(1))]);
    drop(world.run(&["probe"]).exits(0));
    drop(world.host(&["forget", "alice/a.jsonl"]).exits(0));
    assert_eq!(sessions_in(&world, "session_processor_state"), ["alice/a.jsonl.jsonl"]);
    assert_eq!(sessions_in(&world, "probe_rows"), ["alice/a.jsonl.jsonl"]);
}

#[test]
fn forgetting_a_user_means_the_name_that_is_recorded_too() {
    let world = World::with(&["probe"]);
    world.config("[users]\n\"8f14\" = \"alice\"\n");
    world.write("8f14/a.jsonl", rows(2));
    world.write("bob/b.jsonl", rows(1));
    drop(world.run(&["probe"]).exits(0));
    drop(world.host(&["forget", "alice"]).exits(0));
    assert_eq!(
        (world.count("probe_rows"), world.count("session_processor_state")),
        (1, 1)
    );

    let ran = world.host(&["forget", "alice"]).exits(2);
    ran.tells("nothing is known about alice");
}

#[test]
fn the_samples_are_forgotten_from_every_table_of_the_usage_processor() {
    let world = World::with(&["usage"]);
    world.write(
        "alice/a.jsonl",
        include_str!("../../../transcripts/alice/opening-hours.jsonl"),
    );
    drop(world.run(&["usage"]).exits(0));
    assert!(world.count("usage_events") > 0);
    drop(world.host(&["forget", "alice"]).exits(0));
    for table in [
        "usage_events",
        "usage_messages",
        "usage_session_summary",
        "usage_responses",
    ] {
        assert_eq!(world.count(table), 0, "{table}");
    }
}
