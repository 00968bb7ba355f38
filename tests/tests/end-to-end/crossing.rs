//! What a plugin hands over that is not what it says: refused by name, and never believed.

use serde_json::{Value, json};
use session_host_tests::{World, library_name};

use crate::script::{counts, failed, processed, script};

/// More than what is kept of a message, with what the host says around it.
const KEPT: usize = 20_000;

/// A world with the plugin and, for each of these faults, a session that tells it; one session tells none.
fn world_with(faults: &[&str]) -> World {
    let world = World::with(&["raw"]);
    world.write("alice/good.jsonl", script(&[json!({"raw": "nothing"})]));
    for fault in faults {
        world.write(&format!("bob/{fault}.jsonl"), script(&[json!({"raw": fault})]));
    }
    world
}

fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().unwrap()
}

#[test]
fn what_does_not_fit_fails_its_session_alone_and_is_named() {
    let cases = [
        ("rows_of_nothing", "column `n` claims 18446744073709551615 rows"),
        (
            "rows_without_values",
            "column `n` has 0 values for 18446744073709551615 rows",
        ),
        ("rows_beyond_the_first", "column `n` has 1 values for 2 rows"),
        ("marks_too_few", "column `n` has 1 validity marks for 2 rows"),
        (
            "offsets_negative",
            "column `text` has offsets that do not ascend within its 4 bytes",
        ),
        (
            "offsets_descending",
            "column `text` has offsets that do not ascend within its 4 bytes",
        ),
        (
            "offsets_beyond",
            "column `text` has offsets that do not ascend within its 4 bytes",
        ),
        ("offsets_too_few", "column `text` has 1 values for 3 rows"),
        ("no_pointer", "the integers of column `n` lie at no valid address"),
        ("unknown_kind", "column `n` has values of the unknown kind 77"),
        (
            "column_no_text",
            "the name of a column is not UTF-8 text: gr\u{fffd}\u{fffd}",
        ),
        (
            "column_long",
            "the name of a column has 200000000 bytes, more than 1024",
        ),
        ("value_no_text", "column `text` is malformed"),
        (
            "table_no_text",
            "the name of a table is not UTF-8 text: gr\u{fffd}\u{fffd}",
        ),
        ("table_long", "the name of a table has 200000000 bytes, more than 1024"),
        ("execute_no_text", "the statement is not UTF-8 text: gr\u{fffd}\u{fffd}"),
        ("query_no_text", "the statement is not UTF-8 text: gr\u{fffd}\u{fffd}"),
        ("parameter_no_text", "parameter 1 is malformed"),
        ("parameter_without_value", "parameter 1 has 0 rows instead of one"),
        ("items_many", "the result counts 18446744073709551615 items"),
        ("answer_no_text", "the plugin's answer cannot be read"),
    ];
    let world = world_with(&cases.map(|(fault, _)| fault));
    let ran = world.run(&["raw"]).exits(1);
    assert_eq!(counts(&ran), processed(1) + failed(cases.len() as u64));
    assert_eq!(world.count("raw_rows"), 1);
    let failures = world.rows("SELECT session_file, error FROM session_processor_failure");
    for (fault, expected) in cases {
        let session = format!("bob/{fault}.jsonl");
        let failure = failures.iter().find(|failure| text(failure, "session_file") == session);
        let error = text(failure.unwrap(), "error");
        assert!(error.contains(expected), "{fault}: {error}");
    }
}

#[test]
fn of_a_long_message_the_beginning_is_kept_with_its_length() {
    let world = world_with(&["error_long", "panic_long"]);
    let mut command = world.command(&["run", "--json", "raw"]);
    command.env("SESSION_HOST_LOG", "debug");
    let ran = session_host_tests::Ran::of(command.output().unwrap()).exits(1);
    let failures = world.rows("SELECT kind, error FROM session_processor_failure ORDER BY kind");
    assert_eq!(
        failures.iter().map(|failure| text(failure, "kind")).collect::<Vec<_>>(),
        ["error", "panic"]
    );
    for failure in &failures {
        let error = text(failure, "error");
        assert!(
            error.len() < 2 * KEPT && error.contains("xxx... (200000000 bytes in all)"),
            "{} bytes",
            error.len()
        );
    }
    assert!(ran.stderr.contains("zzz... (200000000 bytes in all)"));
    assert!(ran.stderr.len() < 20 * KEPT, "{} bytes of log", ran.stderr.len());
    assert!(ran.stdout.len() < 6 * KEPT, "{} bytes of results", ran.stdout.len());
    let held = world.state_bytes().len();
    assert!(held < 20 << 20, "{held} bytes of state");
}

#[test]
fn of_a_long_reason_for_later_and_of_an_answer_that_is_none_the_beginning_is_kept() {
    let world = world_with(&["answer_long"]);
    assert_eq!(world.run(&["raw"]).exits(1).result().errors, 1);
    let failures = world.rows("SELECT error FROM session_processor_failure");
    assert!(text(&failures[0], "error").len() < KEPT);

    let world = world_with(&["not_now_long"]);
    let ran = world.run(&["raw"]).exits(0);
    assert_eq!(ran.result().errors, 0);
    assert!(ran.stderr.contains("xxx... (200000000 bytes in all)") && ran.stderr.len() < 2 * KEPT);
}

#[test]
fn log_records_are_text_of_bounded_length() {
    let world = world_with(&["log_no_text", "log_long"]);
    let ran = world.run(&["raw"]).exits(0);
    assert_eq!(ran.result().processed, 3);
    ran.tells("gr\u{fffd}\u{fffd}");
    assert!(ran.stderr.contains("xxx... (200000000 bytes in all)"));
    assert!(ran.stderr.len() < 2 * KEPT, "{} bytes of log", ran.stderr.len());
}

#[test]
fn a_description_of_any_length_is_refused_in_one_short_line() {
    let answer = "the plugin's answer has 200000";
    for (longer, expected) in [
        ("name:2000", "the name of the processor has 2003 bytes, more than 1024"),
        ("table:2000", "the name of a table has 2008 bytes, more than 1024"),
        ("reference:2000", "the name of a table has 2009 bytes, more than 1024"),
        ("title:2000", "the title of a migration has 2014 bytes, more than 1024"),
        (
            "version:2000",
            "the version of the package has 2001 bytes, more than 1024",
        ),
        ("name:200000000", answer),
        ("table:200000000", answer),
    ] {
        let mut world = World::new();
        world.set_variable("RAW", longer);
        world.install("probe");
        world.install("raw");
        let listing = world.processors();
        assert_eq!(listing.loaded(), ["probe"]);
        let reason = listing.rejection_of(&library_name("raw"));
        assert!(
            reason.len() < 500 && reason.contains(expected),
            "{} bytes",
            reason.len()
        );
    }
}

#[test]
fn a_long_reason_to_be_unavailable_is_cut() {
    let mut world = World::new();
    world.set_variable("RAW", "configuration");
    world.install("raw");
    let listing = world.processors();
    let listed = listing.of(&library_name("raw"));
    assert_eq!(listed.status, "unavailable");
    let reason = listed.reason.as_deref().unwrap();
    assert!(reason.len() < KEPT && reason.ends_with("xxx... (200000000 bytes in all)"));
}
