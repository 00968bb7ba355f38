//! Blocks of five hours.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Session, report, rows, usage};

const COLUMNS: [&str; 6] = ["began", "ends", "status", "user", "responses", "total_tokens"];

fn block(began: &str, ends: &str, user: &str, responses: u64, millions: u64) -> Value {
    let at = |time: &str| format!("2026-01-20 {time}:00");
    json!([at(began), at(ends), "ended", user, responses, millions * 1_000_000])
}

#[test]
fn a_block_begins_at_the_full_hour_and_each_user_has_blocks_of_their_own() {
    let alice = Session::new("a", "/shop")
        .response("2026-01-20T10:20:00Z", 1)
        .response("2026-01-20T12:00:00Z", 2)
        // At the very end of the block, and just after it.
        .response("2026-01-20T15:00:00Z", 4)
        .response("2026-01-20T15:00:01Z", 8)
        .response("2026-01-20T20:00:00Z", 16);
    let bob = Session::new("b", "/till").response("2026-01-20T11:30:00Z", 32);
    let world = usage(&[("alice", alice), ("bob", bob)]);
    let found = rows(&world, &["usage.blocks"], COLUMNS);
    let expected = json!([
        block("10:00", "15:00", "alice", 3, 7),
        block("11:00", "16:00", "bob", 1, 32),
        block("15:00", "20:00", "alice", 2, 24),
    ]);
    assert_eq!(found, expected);
    let of_bob = rows(&world, &["usage.blocks", "--username", "bob"], COLUMNS);
    assert_eq!(of_bob, json!([block("11:00", "16:00", "bob", 1, 32)]));
    let later = rows(&world, &["usage.blocks", "--since", "2026-01-20T16:00:00Z"], COLUMNS);
    assert_eq!(later, json!([block("15:00", "20:00", "alice", 2, 24)]));
}

#[test]
fn a_response_after_exactly_five_hours_begins_no_block() {
    let session = Session::new("a", "/shop")
        .response("2026-01-20T10:00:00Z", 1)
        .response("2026-01-20T15:00:00Z", 2);
    let world = usage(&[("alice", session)]);
    let found = rows(&world, &["usage.blocks"], COLUMNS);
    assert_eq!(found, json!([block("10:00", "15:00", "alice", 2, 3)]));
    let rates = ["tokens_per_minute", "cost_per_hour", "projected_cost"];
    assert_eq!(rows(&world, &["usage.blocks"], rates), json!([[null, null, null]]));
}

#[test]
fn an_open_block_has_a_burn_rate_and_a_projection() {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let ago = |minutes| (now - SignedDuration::from_mins(minutes)).to_string();
    let session = Session::new("a", "/shop").response(&ago(60), 1).response(&ago(30), 1);
    let world = usage(&[("alice", session)]);
    let before = Timestamp::now();
    let columns = ["status", "ends", "tokens_per_minute", "cost_per_hour", "projected_cost"];
    let found = rows(&world, &["usage.blocks"], columns)[0].clone();
    let after = Timestamp::now();
    assert_eq!(found[0], "open");
    let is_near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-6;
    // Two dollars for two million tokens in half an hour.
    assert!(is_near(&found[2], 2_000_000.0 / 30.0), "{found}");
    assert!(is_near(&found[3], 4.0), "{found}");
    let ends = found[1].as_str().unwrap().replace(' ', "T") + "Z";
    let ends: Timestamp = ends.parse().unwrap();
    let projected = |at: Timestamp| 2.0 + 4.0 * ends.duration_since(at).as_secs_f64() / 3600.0;
    let found = found[4].as_f64().unwrap();
    assert!(
        found <= projected(before) + 1e-6 && found >= projected(after) - 1e-6,
        "{found}"
    );
    let answer = report(&world, &["usage.blocks"]);
    assert_eq!(answer["totals"].as_array().unwrap().last(), Some(&Value::Null));
}
