//! Sessions, projects, models and users; filters; responses that are easily missed.

use serde_json::{Value, json};

use super::{MILLION, Session, report, rows, usage};

const GROUPED: [&str; 4] = ["sessions", "responses", "total_tokens", "cost_usd"];

#[track_caller]
fn grouped(world: &session_host_tests::World, name: &str, column: &str, filter: &[&str]) -> Value {
    let [sessions, responses, tokens, cost] = GROUPED;
    let name = format!("usage.{name}");
    rows(
        world,
        &[&[name.as_str()], filter].concat(),
        [column, sessions, responses, tokens, cost],
    )
}

/// Two sessions of alice in two projects, and one of bob, whose model has no price.
fn three_sessions() -> session_host_tests::World {
    let shop = Session::new("shop", "/home/alice/shop")
        .response("2026-01-20T10:00:00Z", 1)
        .response("2026-01-20T11:00:00Z", 2);
    let till = Session::new("till", "/home/alice/till").response("2026-01-21T10:00:00Z", 4);
    let bob = Session::new("bob", "/home/bob/shop").response_of("mystery", "2026-01-22T10:00:00Z", [5, 0, 0, 0]);
    usage(&[("alice", shop), ("alice", till), ("bob", bob)])
}

#[test]
fn responses_are_added_up_by_session_project_model_and_user() {
    let world = three_sessions();
    let sessions = rows(
        &world,
        &["usage.sessions", "--order", "session"],
        [
            "session",
            "user",
            "project",
            "began",
            "last_active",
            "models",
            "responses",
            "total_tokens",
            "cost_usd",
        ],
    );
    let expected = json!([
        [
            "bob",
            "bob",
            "shop",
            "2026-01-22 10:00:00",
            "2026-01-22 10:00:00",
            "mystery",
            1,
            5,
            null
        ],
        [
            "shop",
            "alice",
            "shop",
            "2026-01-20 10:00:00",
            "2026-01-20 11:00:00",
            "house",
            2,
            3 * MILLION,
            3.0
        ],
        [
            "till",
            "alice",
            "till",
            "2026-01-21 10:00:00",
            "2026-01-21 10:00:00",
            "house",
            1,
            4 * MILLION,
            4.0
        ],
    ]);
    assert_eq!(sessions, expected);
    for (name, column, expected) in [
        (
            "projects",
            "project",
            json!([["shop", 2, 3, 3 * MILLION + 5, 3.0], ["till", 1, 1, 4 * MILLION, 4.0]]),
        ),
        (
            "models",
            "model",
            json!([["house", 2, 3, 7 * MILLION, 7.0], ["mystery", 1, 1, 5, null]]),
        ),
        (
            "users",
            "user",
            json!([["alice", 2, 3, 7 * MILLION, 7.0], ["bob", 1, 1, 5, null]]),
        ),
    ] {
        assert_eq!(grouped(&world, name, column, &["--order", column]), expected, "{name}");
    }
}

#[test]
fn a_model_without_a_price_costs_nothing_and_is_a_warning() {
    let world = three_sessions();
    let warning = "not in the costs: 1 response of mystery with 5 tokens, 2026-01-22: no price of this model";
    let answer = report(&world, &["usage.models"]);
    assert_eq!(answer["warnings"], json!([warning]));
    let of_alice = report(&world, &["usage.models", "--username", "alice"]);
    assert_eq!(of_alice["warnings"], json!([]));
    let before = report(&world, &["usage.models", "--until", "2026-01-20"]);
    assert_eq!(before["warnings"], json!([]));
    let table = world.host(&["report", "usage.models"]).exits(0).stdout;
    let of_model = table.lines().find(|line| line.starts_with("mystery")).unwrap();
    assert!(of_model.split_whitespace().any(|cell| cell == "-"), "{table}");
    assert!(table.ends_with(&format!("warning: {warning}\n")), "{table}");
}

#[test]
fn a_filter_chooses_a_user_or_a_project() {
    let world = three_sessions();
    let shop = grouped(&world, "users", "user", &["--project", "shop", "--order", "user"]);
    assert_eq!(shop, json!([["alice", 1, 2, 3 * MILLION, 3.0], ["bob", 1, 1, 5, null]]));
    let alice = grouped(
        &world,
        "projects",
        "project",
        &["--username", "alice", "--order", "project"],
    );
    assert_eq!(
        alice,
        json!([["shop", 1, 2, 3 * MILLION, 3.0], ["till", 1, 1, 4 * MILLION, 4.0]])
    );
    let both = grouped(
        &world,
        "projects",
        "project",
        &["--username", "alice", "--project", "shop"],
    );
    assert_eq!(both, json!([["shop", 1, 2, 3 * MILLION, 3.0]]));
    let day = ["--since", "2026-01-21", "--until", "2026-01-21"];
    assert_eq!(
        grouped(&world, "models", "model", &day),
        json!([["house", 1, 1, 4 * MILLION, 4.0]])
    );
}

#[test]
fn a_response_that_stands_only_in_a_progress_line_counts_everywhere() {
    let session = Session::new("s", "/home/alice/shop")
        .response("2026-01-20T10:00:00Z", 1)
        .progress("2026-01-20T10:30:00Z", 2);
    let world = usage(&[("alice", session)]);
    for name in [
        "daily", "weekly", "monthly", "sessions", "blocks", "projects", "models", "users",
    ] {
        let name = format!("usage.{name}");
        let found = rows(&world, &[&name], ["responses", "total_tokens", "cost_usd"]);
        assert_eq!(found, json!([[2, 3 * MILLION, 3.0]]), "{name}");
    }
}

#[test]
fn a_filter_that_a_report_does_not_have_is_an_error() {
    let world = super::world(&["errors"], "", &[]);
    let ran = world.host(&["report", "errors.classes", "--project", "shop"]).exits(2);
    ran.tells("the report `errors.classes` has no filter `project`: it has since, until, username");
    let listed = world.host(&["report", "--json"]).exits(0).json();
    assert_eq!(listed[0]["filters"], json!(["since", "until", "username"]));
}
