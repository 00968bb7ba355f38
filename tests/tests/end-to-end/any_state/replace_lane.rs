//! Rows given to `replace`: committed in groups, from which only the offender falls out.

use serde_json::{Value, json};
use session_host_tests::World;

use crate::script::{counts, failed, processed, rows, script};

fn world_with(plugin: &str, sessions: &[(&str, String)]) -> World {
    let world = World::with(&[plugin]);
    for (session, transcript) in sessions {
        world.write(session, transcript);
    }
    world
}

#[test]
fn a_row_that_breaks_a_constraint_fails_its_session_alone() {
    let offending = |row: Value| script(&[json!({"do": "rows", "count": 3}), row]);
    let no_text = offending(json!({"do": "rows", "count": 1, "text": null}));
    let negative = offending(json!({"do": "rows", "count": 1, "first": -1}));
    let mut sessions = vec![("alice/30.jsonl", no_text), ("alice/31.jsonl", negative)];
    let healthy: Vec<String> = (10..30).chain(40..60).map(|n| format!("alice/{n}.jsonl")).collect();
    sessions.extend(healthy.iter().map(|session| (session.as_str(), rows(2))));
    let world = world_with("probe", &sessions);

    let ran = world.run(&["probe"]).exits(1);
    assert_eq!(counts(&ran), processed(40) + failed(2));
    assert_eq!(world.count("probe_rows"), 80);
    assert_eq!(world.count("session_processor_state"), 40);
    let failures = world.rows("SELECT session_file, kind, error FROM session_processor_failure ORDER BY session_file");
    for (failure, (session, cause)) in failures.iter().zip([
        (
            "alice/30.jsonl",
            world.says("NOT NULL constraint failed", "violates not-null constraint"),
        ),
        (
            "alice/31.jsonl",
            world.says("CHECK constraint failed", "violates check constraint"),
        ),
    ]) {
        assert_eq!([&failure["session_file"], &failure["kind"]], [session, "error"]);
        let error = failure["error"].as_str().unwrap();
        assert!(error.starts_with("cannot ") && error.contains(cause), "{error}");
    }
}

#[test]
fn rows_that_do_not_fit_are_refused_at_the_call() {
    let cases = [
        (
            "unknown_table",
            "cannot replace the session's rows: `nowhere` is not a session table of this processor: declare it with Descriptor::session_table (declared: wrong_rows)",
        ),
        (
            "unknown_column",
            "cannot replace the session's rows: table `wrong_rows` has no column `missing`; its columns are session_file, n, text",
        ),
        (
            "wrong_type",
            "cannot replace the session's rows: column `wrong_rows.n` has type BIGINT, which cannot hold values of kind Text",
        ),
        (
            "double_column",
            "cannot replace the session's rows: table `wrong_rows`: column `n` is given twice, or is the one that the host fills",
        ),
        (
            "session_file",
            "cannot replace the session's rows: table `wrong_rows`: column `session_file` is given twice, or is the one that the host fills",
        ),
    ];
    let sessions = cases.map(|(wrong, _)| (format!("alice/{wrong}.jsonl"), script(&[json!({"wrong": wrong})])));
    let swallowing = cases.map(|(wrong, _)| {
        let transcript = script(&[json!({"wrong": wrong, "swallow": true})]);
        (format!("bob/{wrong}.jsonl"), transcript)
    });
    let world = World::with(&["wrong_rows"]);
    for (session, transcript) in sessions.iter().chain(&swallowing) {
        world.write(session, transcript);
    }
    assert_eq!(counts(&world.run(&["wrong_rows"]).exits(1)), failed(10));
    for (wrong, error) in cases {
        let sql =
            format!("SELECT DISTINCT error FROM session_processor_failure WHERE session_file LIKE '%/{wrong}.jsonl'");
        assert_eq!(world.rows(&sql), [json!({"error": error})], "{wrong}");
    }
    assert_eq!(world.count("wrong_rows"), 0);
}

#[test]
fn columns_that_are_left_out_are_null() {
    let world = world_with("wrong_rows", &[("alice/a.jsonl", script(&[json!({"wrong": "none"})]))]);
    assert_eq!(counts(&world.run(&["wrong_rows"]).exits(0)), processed(1));
    assert_eq!(
        world.rows("SELECT * FROM wrong_rows"),
        [json!({"session_file": "alice/a.jsonl", "n": 1, "text": null})]
    );
}

#[test]
fn every_kind_of_value_arrives_as_it_was_given() {
    let world = world_with("kinds", &[("alice/a.jsonl", "{}".to_owned())]);
    assert_eq!(counts(&world.run(&["kinds"]).exits(0)), processed(1));
    // The plugin writes the same values by `replace`, by `execute`, and by `execute` after it had them from `query`.
    for table in ["kinds", "kinds_executed", "kinds_queried"] {
        let sql = format!(
            "SELECT n, flag, number, hex(encode(text)) AS text, epoch_us(time) AS time, hex(blob) AS blob,
                    time::VARCHAR AS written FROM {table} ORDER BY n NULLS LAST"
        );
        assert_eq!(
            world.rows(&sql),
            [
                json!({"n": i64::MIN, "flag": true, "number": -0.5, "text": "61006200",
                       "time": -1, "blob": "00FF80", "written": "1969-12-31 23:59:59.999999"}),
                json!({"n": i64::MAX, "flag": false, "number": 1e300, "text": "F09FA6803BC3A4",
                       "time": -62_135_596_800_000_000_i64, "blob": "", "written": "0001-01-01 00:00:00"}),
                json!({"n": null, "flag": null, "number": null, "text": null, "time": null, "blob": null, "written": null}),
            ],
            "{table}"
        );
    }
    assert_eq!(
        world.rows("SELECT length(text) AS length, md5(text) = md5(repeat('ä', 2500000)) AS same FROM kinds_large"),
        [json!({"length": 2_500_000, "same": true})]
    );
}

#[test]
fn more_rows_than_fit_a_batch_all_arrive() {
    let world = world_with(
        "probe",
        &[
            ("alice/a.jsonl", rows(2_049)),
            ("alice/b.jsonl", rows(150_000)),
            ("alice/c.jsonl", rows(1)),
        ],
    );
    let ran = world.run(&["probe"]).exits(0);
    assert_eq!(ran.result().items_extracted, 152_050);
    assert_eq!(
        world.rows(
            "SELECT session_file, count(*) AS rows, count(DISTINCT n) AS numbers, max(n) AS last
                    FROM probe_rows GROUP BY ALL ORDER BY ALL"
        ),
        [
            json!({"session_file": "alice/a.jsonl", "rows": 2_049, "numbers": 2_049, "last": 2_048}),
            json!({"session_file": "alice/b.jsonl", "rows": 150_000, "numbers": 150_000, "last": 149_999}),
            json!({"session_file": "alice/c.jsonl", "rows": 1, "numbers": 1, "last": 0}),
        ]
    );
}
