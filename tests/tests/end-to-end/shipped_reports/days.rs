//! Days, weeks and months of the time zone.

use serde_json::json;

use super::{Session, rows, usage};

/// The period, the millions of tokens and the dollars, which are as many.
const COLUMNS: [&str; 3] = ["responses", "total_tokens", "cost_usd"];

#[track_caller]
fn periods(world: &session_host_tests::World, period: &str, arguments: &[&str]) -> Vec<(String, u64)> {
    let [responses, tokens, cost] = COLUMNS;
    let found = rows(world, arguments, [period, responses, tokens, cost]);
    let found = found.as_array().unwrap().iter().map(|row| {
        let tokens = row[2].as_u64().unwrap();
        let cost = row[3].as_f64().unwrap();
        assert!((cost - tokens as f64 / 1e6).abs() < 1e-9, "{row}");
        (row[0].as_str().unwrap().to_owned(), tokens / 1_000_000)
    });
    found.collect()
}

fn expected(periods: &[(&str, u64)]) -> Vec<(String, u64)> {
    periods
        .iter()
        .map(|(period, tokens)| ((*period).to_owned(), *tokens))
        .collect()
}

#[test]
fn a_day_is_that_of_the_time_zone() {
    let session = Session::new("s", "/home/alice/shop")
        .response("2026-01-20T07:30:00Z", 1)
        .response("2026-01-20T15:30:00Z", 2)
        .response("2026-01-21T00:00:00Z", 4);
    let world = usage(&[("alice", session)]);
    for (zone, days) in [
        ("UTC", [("2026-01-20", 3), ("2026-01-21", 4)]),
        ("America/Los_Angeles", [("2026-01-19", 1), ("2026-01-20", 6)]),
        ("Asia/Tokyo", [("2026-01-20", 1), ("2026-01-21", 6)]),
    ] {
        let found = periods(&world, "day", &["usage.daily", "--timezone", zone]);
        assert_eq!(found, expected(&days), "{zone}");
    }
}

#[test]
fn a_day_on_which_the_clocks_change_begins_and_ends_at_midnight() {
    // Just before and after midnight at both ends, and on both sides of the change.
    for (day, before, after, times) in [
        (
            "2026-03-29",
            "2026-03-28",
            "2026-03-30",
            [
                "2026-03-28T22:59:59Z",
                "2026-03-28T23:00:00Z",
                "2026-03-29T00:59:59Z",
                "2026-03-29T01:00:00Z",
                "2026-03-29T21:59:59Z",
                "2026-03-29T22:00:00Z",
            ],
        ),
        (
            // At 00:30 and 01:30 in UTC it is half past two, twice.
            "2026-10-25",
            "2026-10-24",
            "2026-10-26",
            [
                "2026-10-24T21:59:59Z",
                "2026-10-24T22:00:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T22:59:59Z",
                "2026-10-25T23:00:00Z",
            ],
        ),
    ] {
        let responses = times.into_iter().zip([1, 2, 4, 8, 16, 32]);
        let session = responses.fold(Session::new("s", "/shop"), |session, (at, tokens)| {
            session.response(at, tokens)
        });
        let world = usage(&[("alice", session)]);
        let daily = ["usage.daily", "--timezone", "Europe/Prague"];
        let found = periods(&world, "day", &daily);
        assert_eq!(found, expected(&[(before, 1), (day, 30), (after, 32)]));
        let alone = [&daily[..], &["--since", day, "--until", day]].concat();
        assert_eq!(periods(&world, "day", &alone), expected(&[(day, 30)]));
    }
}

#[test]
fn weeks_begin_on_sunday_or_on_monday() {
    // A Saturday, a Sunday, a Monday, and the next Sunday.
    let session = Session::new("s", "/shop")
        .response("2026-11-21T12:00:00Z", 1)
        .response("2026-11-22T12:00:00Z", 2)
        .response("2026-11-23T12:00:00Z", 4)
        .response("2026-11-29T12:00:00Z", 8);
    let mut world = usage(&[("alice", session)]);
    let sundays = expected(&[("2026-11-15", 1), ("2026-11-22", 6), ("2026-11-29", 8)]);
    assert_eq!(periods(&world, "week", &["usage.weekly"]), sundays);
    world.set_variable("SESSION_HOST_WEEK_START", "monday");
    let mondays = expected(&[("2026-11-16", 3), ("2026-11-23", 12)]);
    assert_eq!(periods(&world, "week", &["usage.weekly"]), mondays);
}

#[test]
fn a_month_is_that_of_the_time_zone() {
    let session = Session::new("s", "/shop")
        .response("2026-10-31T14:59:59Z", 1)
        .response("2026-10-31T15:00:00Z", 2)
        .response("2026-11-01T00:00:00Z", 4)
        .response("2026-11-01T07:00:00Z", 8);
    let world = usage(&[("alice", session)]);
    for (zone, october, november) in [("UTC", 3, 12), ("America/Los_Angeles", 7, 8), ("Asia/Tokyo", 1, 14)] {
        let found = periods(&world, "month", &["usage.monthly", "--timezone", zone]);
        assert_eq!(
            found,
            expected(&[("2026-10", october), ("2026-11", november)]),
            "{zone}"
        );
    }
}

#[test]
fn every_kind_of_token_has_its_column_and_its_sum() {
    let session = Session::new("s", "/shop")
        .response_of("house", "2026-01-20T12:00:00Z", [1, 20, 300, 4000])
        .response_of("house", "2026-01-20T13:00:00Z", [2, 0, 0, 0]);
    let world = usage(&[("alice", session)]);
    let columns = [
        "models",
        "responses",
        "input_tokens",
        "output_tokens",
        "cache_write_tokens",
        "cache_read_tokens",
        "total_tokens",
    ];
    let found = rows(&world, &["usage.daily"], columns);
    assert_eq!(found, json!([["house", 2, 3, 20, 300, 4000, 4323]]));
}

#[test]
fn a_session_counts_on_the_day_on_which_it_began() {
    let late = Session::new("late", "/home/alice/shop")
        .prompt("2026-01-20T23:59:00Z", "go on")
        .response("2026-01-21T00:01:00Z", 1);
    let early = Session::new("early", "/home/bob/till").prompt("2026-01-20T01:00:00Z", "begin");
    let next = Session::new("next", "/home/alice/shop")
        .prompt("2026-01-21T12:00:00Z", "end")
        .response("2026-01-21T12:01:00Z", 1);
    let world = usage(&[("alice", late), ("bob", early), ("alice", next)]);
    let counts = |filter: &[&str]| {
        let asked = [&["usage.activity", "--timezone", "UTC"], filter].concat();
        rows(&world, &asked, ["day", "sessions", "users", "prompts"])
    };
    let all = json!([["2026-01-20", 2, 2, 2], ["2026-01-21", 1, 1, 1]]);
    assert_eq!(counts(&[]), all);
    let of_shop = json!([["2026-01-20", 1, 1, 1], ["2026-01-21", 1, 1, 1]]);
    assert_eq!(counts(&["--project", "shop"]), of_shop);
    assert_eq!(counts(&["--username", "bob"]), json!([["2026-01-20", 1, 1, 1]]));
    assert_eq!(counts(&["--since", "2026-01-21"]), json!([["2026-01-21", 1, 1, 1]]));
    let of_tokyo = rows(
        &world,
        &["usage.activity", "--timezone", "Asia/Tokyo"],
        ["day", "sessions"],
    );
    assert_eq!(of_tokyo, json!([["2026-01-20", 1], ["2026-01-21", 2]]));
}
