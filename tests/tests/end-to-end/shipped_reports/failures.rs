//! Errors of sessions, and secrets that they leaked.

use serde_json::json;
use session_host_tests::World;

use super::{CallResult, Session, rows, world};

/// Errors of two users; at 23:30 in UTC it is the next day in Tokyo.
fn failed() -> World {
    let make = json!({"command": "make"});
    let alice = Session::new("a", "/home/alice/shop")
        .call("2026-01-20T10:00:00Z", "Bash", &make, CallResult::Failed("Exit code 2"))
        .call("2026-01-20T10:01:00Z", "Bash", &make, CallResult::Failed("Exit code 2"))
        .call("2026-01-20T10:02:00Z", "Bash", &make, CallResult::Done)
        .line(
            "assistant",
            "2026-01-20T10:03:00Z",
            &json!({"message": {"role": "assistant", "content": [{"type": "text", "text": "It works."}]}}),
        );
    let bob = Session::new("b", "/home/bob/till").call(
        "2026-01-20T23:30:00Z",
        "Read",
        &json!({"file_path": "/x"}),
        CallResult::Failed("File does not exist."),
    );
    world(&["errors"], "", &[("alice", alice), ("bob", bob)])
}

#[test]
fn errors_are_counted_by_class_day_tool_and_session() {
    let world = failed();
    let classes = rows(
        &world,
        &["errors.classes"],
        ["class", "tool", "errors", "retries", "recovered", "sessions", "users"],
    );
    let expected = json!([
        ["exit_nonzero", "Bash", 2, 1, 100.0, 1, 1],
        ["file_not_found", "Read", 1, 0, 0.0, 1, 1],
    ]);
    assert_eq!(classes, expected);
    let tools = rows(
        &world,
        &["errors.tools"],
        ["tool", "errors", "retries", "recovered", "most_frequent_class"],
    );
    let expected = json!([
        ["Bash", 2, 1, 100.0, "exit_nonzero"],
        ["Read", 1, 0, 0.0, "file_not_found"]
    ]);
    assert_eq!(tools, expected);
    // The call that succeeds is the second repetition.
    let sessions = rows(
        &world,
        &["errors.sessions"],
        [
            "session",
            "user",
            "errors",
            "classes",
            "longest_retry_run",
            "ended_on",
            "last_error",
        ],
    );
    let expected = json!([
        ["alice/a.jsonl", "alice", 2, 1, 2, "answer", "2026-01-20 10:01:00"],
        ["bob/b.jsonl", "bob", 1, 1, 0, "error", "2026-01-20 23:30:00"],
    ]);
    assert_eq!(sessions, expected);
    let of_bob = rows(&world, &["errors.classes", "--username", "bob"], ["class", "errors"]);
    assert_eq!(of_bob, json!([["file_not_found", 1]]));
}

#[test]
fn the_days_of_errors_are_those_of_the_time_zone() {
    let world = failed();
    for (zone, of_bob) in [
        ("UTC", "2026-01-20"),
        ("America/Los_Angeles", "2026-01-20"),
        ("Asia/Tokyo", "2026-01-21"),
    ] {
        let found = rows(
            &world,
            &["errors.daily", "--timezone", zone],
            ["day", "class", "errors"],
        );
        let expected = json!([["2026-01-20", "exit_nonzero", 2], [of_bob, "file_not_found", 1]]);
        assert_eq!(found, expected, "{zone}");
    }
}

#[test]
fn a_secret_is_new_on_the_first_day_on_which_anybody_leaks_it() {
    const GAUGE: &str = "postgres://gauge:wet-socks-7-mornings@db.garden.internal/readings";
    const TILL: &str = "postgres://till:dry-boots-9-evenings@db.garden.internal/sales";
    let alice = Session::new("a", "/shop")
        .prompt("2026-01-20T10:00:00Z", GAUGE)
        .prompt("2026-01-20T11:00:00Z", GAUGE);
    let bob = Session::new("b", "/shop")
        .prompt("2026-01-21T23:30:00Z", GAUGE)
        .prompt("2026-01-21T23:31:00Z", TILL);
    let world = world(&["secrets"], "", &[("alice", alice), ("bob", bob)]);
    let findings = rows(
        &world,
        &["secrets.findings"],
        [
            "kind",
            "preview",
            "occurrences",
            "sessions",
            "users",
            "first_seen",
            "last_leaked",
            "first_session",
        ],
    );
    let expected = json!([
        [
            "Password in a URL",
            "wet-... (20 characters)",
            3,
            2,
            2,
            "2026-01-20 10:00:00",
            "2026-01-21 23:30:00",
            "alice/a.jsonl"
        ],
        [
            "Password in a URL",
            "dry-... (20 characters)",
            1,
            1,
            1,
            "2026-01-21 23:31:00",
            "2026-01-21 23:31:00",
            "bob/b.jsonl"
        ],
    ]);
    assert_eq!(findings, expected);
    for (zone, day) in [
        ("UTC", "2026-01-21"),
        ("America/Los_Angeles", "2026-01-21"),
        ("Asia/Tokyo", "2026-01-22"),
    ] {
        let found = rows(
            &world,
            &["secrets.daily", "--timezone", zone],
            ["day", "secrets", "new_secrets", "occurrences", "sessions", "users"],
        );
        assert_eq!(
            found,
            json!([["2026-01-20", 1, 1, 2, 1, 1], [day, 2, 1, 2, 1, 1]]),
            "{zone}"
        );
    }
}
