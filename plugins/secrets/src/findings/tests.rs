//! Tests which secrets are found in transcripts, and which columns are recorded.

mod forms;
mod planted;

use std::sync::LazyLock;

use secret_detector::Settings;
use serde_json::{Value, json};

use super::*;
use crate::{
    rows::{SecretFinding, rows},
    salt::Salt,
};

static SHIPPED: LazyLock<Rules> = LazyLock::new(|| Rules::from_settings(&Settings::default()).unwrap());

/// A token in GitHub's form; `tail` is its last 36 letters and digits.
fn token(tail: &str) -> String {
    format!("ghp{}{tail}", '_')
}

fn some_token() -> String {
    token("q7Rk2VtB9xLmN4pSwY8zAcD3fGhJ6uE1oT5i")
}

fn with_rows<T>(transcript: &[u8], check: impl FnOnce(&[SecretFinding<'_>]) -> T) -> T {
    let session = Session::from_bytes("alice/a.jsonl", "alice", Timestamp::from_micros(7), transcript);
    let found = SessionFindings::of(&session, &SHIPPED);
    check(&rows(&session, &found, &SHIPPED, &Salt::from_bytes([1; 32])).unwrap())
}

fn lines(events: &[Value]) -> Vec<u8> {
    let lines: Vec<_> = events.iter().map(Value::to_string).collect();
    lines.join("\n").into_bytes()
}

fn said(text: &str) -> Value {
    json!({"message": {"content": [{"type": "text", "text": text}]}})
}

fn paths(transcript: &[u8]) -> Vec<(String, i64)> {
    with_rows(transcript, |rows| {
        rows.iter()
            .map(|row| (row.json_path.clone(), row.occurrences))
            .collect()
    })
}

#[test]
fn a_secret_of_many_events_is_one_finding_where_it_stood_first() {
    let token = some_token();
    let command = json!({"type": "tool_use", "id": "t1", "input": {"command": format!("echo {token} {token}")}});
    let transcript = lines(&[
        json!({"type": "summary", "summary": "nothing"}),
        json!({"uuid": "u1", "sessionId": "s1", "timestamp": "1970-01-01T00:00:02Z",
               "message": {"content": [command]}}),
        json!({"uuid": "u2", "sessionId": "s2", "toolUseResult": {"stdout": token}}),
    ]);
    with_rows(&transcript, |rows| {
        let [row] = rows else { panic!("{rows:?}") };
        assert_eq!((row.rule_id, row.occurrences), ("github-pat", 3));
        assert_eq!((row.username, row.session_id.as_str()), ("alice", "s1"));
        assert_eq!((row.first_event_uuid.as_deref(), row.first_line), (Some("u1"), 2));
        assert_eq!(row.json_path, "message.content[0].input.command");
        assert_eq!(row.first_seen_at, Timestamp::from_micros(2_000_000));
        assert_eq!(row.preview, "ghp_... (40 characters)");
        assert_eq!(row.fingerprint.len(), 64);
    });
}

#[test]
fn missing_times_come_from_the_line_before_or_the_file() {
    let undated = said(&some_token());
    with_rows(&lines(std::slice::from_ref(&undated)), |rows| {
        assert_eq!(rows[0].first_seen_at, Timestamp::from_micros(7));
        assert_eq!(
            (rows[0].session_id.as_str(), rows[0].first_event_uuid.as_deref()),
            ("alice/a.jsonl", None)
        );
    });
    let dated = json!({"timestamp": "1970-01-01T00:00:03Z"});
    with_rows(&lines(&[dated, undated]), |rows| {
        assert_eq!(rows[0].first_seen_at, Timestamp::from_micros(3_000_000));
    });
}

#[test]
fn a_result_and_the_tools_own_record_of_it_are_one_place() {
    let result = json!({"type": "tool_result", "tool_use_id": "t1", "content": some_token()});
    let line = json!({"message": {"content": [result]}, "toolUseResult": {"stdout": some_token()}});
    let expected = [("message.content[0].content".to_owned(), 2)];
    assert_eq!(paths(&lines(&[line, said(&some_token())])), expected);
}

#[test]
fn a_secret_in_a_string_that_is_json_counts_once() {
    let embedded = json!([{"api_key": some_token()}, {"note": format!("{} again", some_token())}]).to_string();
    let expected = [("message.content[0].text -> [0].api_key".to_owned(), 2)];
    assert_eq!(paths(&lines(&[said(&format!(" {embedded}\n"))])), expected);
    let twice = json!({"inner": embedded}).to_string();
    assert_eq!(
        paths(&lines(&[said(&twice)])),
        [("message.content[0].text -> inner".to_owned(), 2)]
    );
}

#[test]
fn a_key_in_an_embedded_string_gives_its_value_away() {
    let embedded = json!({"client_secret": "k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6"}).to_string();
    assert_eq!(
        paths(&lines(&[said(&embedded)])),
        [("message.content[0].text -> client_secret".to_owned(), 1)]
    );
}

#[test]
fn a_key_gives_away_what_stands_in_its_list() {
    let keys = json!({"client_secret": ["k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6", ["Yb1Nc4Hs6k3Zp9Qw7Lm2Xv8Rt5"]]});
    assert_eq!(
        paths(&lines(&[json!({"input": keys}), said(&keys.to_string())])),
        [
            ("input.client_secret[0]".to_owned(), 2),
            ("input.client_secret[1][0]".to_owned(), 2)
        ]
    );
    let token = json!("k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6");
    let deep = (0..30).fold(token, |inner, _| json!([inner]));
    let path = format!("input.client_secret{}", "[0]".repeat(30));
    assert_eq!(paths(&lines(&[json!({"input": {"client_secret": deep}})])), [(path, 1)]);
    let embedded = json!({"client_secret": keys["client_secret"].to_string()});
    assert_eq!(
        paths(&lines(&[json!({"input": embedded})])),
        [
            ("input.client_secret -> [0]".to_owned(), 1),
            ("input.client_secret -> [1][0]".to_owned(), 1)
        ]
    );
    let elsewhere = json!({"client_secret": [{"note": "k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6"}]});
    assert_eq!(paths(&lines(&[json!({"input": elsewhere})])), []);
}

#[test]
fn lists_in_lists_are_searched_to_any_depth() {
    let depth = 20_000;
    let nested = format!("[{:?},", some_token()).repeat(depth) + "0" + &"]".repeat(depth);
    let bare = format!("{{\"input\":{nested}}}");
    assert_eq!(paths(bare.as_bytes()), [("input[0]".to_owned(), depth as i64)]);
    assert_eq!(
        paths(&lines(&[said(&nested)])),
        [("message.content[0].text -> [0]".to_owned(), depth as i64)]
    );
}

#[test]
fn a_long_key_is_neither_decoded_nor_kept_for_each_of_its_strings() {
    let (key, strings) = ("\n".repeat(100_000), vec!["x"; 100_000]);
    assert_eq!(paths(&lines(&[json!({"input": {&key: strings}})])), []);
    let tokens: Vec<_> = (0..1_000)
        .map(|n| token(&format!("{n:05}Rk2VtB9xLmN4pSwY8zAcD3fGhJ6uE1o")))
        .collect();
    let first = json!({&key: {"note": some_token()}, "message": {&key: some_token()}});
    assert_eq!(paths(&lines(&[first])), [("[...].note".to_owned(), 2)]);
    let embedded = json!({"input": json!({&key: tokens}).to_string(), "uuid": key, "sessionId": key});
    with_rows(&lines(&[embedded]), |rows| {
        assert_eq!(
            (rows.len(), rows[999].json_path.as_str()),
            (1_000, "input -> [...][999]")
        );
        assert_eq!(
            (rows[0].first_event_uuid.as_deref(), rows[0].session_id.as_str()),
            (None, "alice/a.jsonl")
        );
    });
}

#[test]
fn a_secret_is_given_away_by_the_key_whose_value_it_is() {
    let input = json!({"client_secret": "k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6", "page_token": "k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs7"});
    let call = json!({"message": {"content": [{"type": "tool_use", "id": "t1", "input": input}]}});
    let expected = [("message.content[0].input.client_secret".to_owned(), 1)];
    assert_eq!(paths(&lines(std::slice::from_ref(&call))), expected);
    with_rows(&lines(&[call]), |rows| {
        assert_eq!(rows[0].preview, "k3Zp... (26 characters)")
    });
}

#[test]
fn a_key_of_an_object_that_is_a_secret_is_found_and_concealed() {
    let transcript = lines(&[json!({"input": {some_token(): [format!("see {}", some_token())]}})]);
    assert_eq!(paths(&transcript), [("input{}".to_owned(), 2)]);
    let other = token("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8");
    let transcript = lines(&[
        json!({"input": {some_token(): other}, "uuid": some_token(), "sessionId": format!("s-{}", some_token())}),
    ]);
    with_rows(&transcript, |rows| {
        let recorded = rows
            .iter()
            .map(|row| (row.json_path.as_str(), row.first_event_uuid.as_deref()));
        assert_eq!(
            recorded.collect::<Vec<_>>(),
            [("input{}", Some("***")), (r#"input["***"]"#, Some("***"))]
        );
        assert_eq!(rows[0].session_id, "***");
    });
}

#[test]
fn a_session_without_secrets_has_no_findings() {
    assert!(paths(b"").is_empty() && paths(&lines(&[said("nothing to see")])).is_empty());
}

#[test]
fn a_dump_of_secrets_has_no_end_of_findings() {
    let tokens: Vec<_> = (0..RECORDED_FINDINGS + 5)
        .map(|n| token(&format!("{n:05}Rk2VtB9xLmN4pSwY8zAcD3fGhJ6uE1o")))
        .collect();
    let transcript = lines(&[said(&tokens.join(" ")), said(&tokens[0])]);
    with_rows(&transcript, |rows| {
        assert_eq!((rows.len(), rows[0].occurrences), (RECORDED_FINDINGS, 2));
    });
}

#[test]
fn debugging_what_was_found_shows_no_secret() {
    let transcript = lines(&[said(&some_token())]);
    let session = Session::from_bytes("a", "a", Timestamp::from_micros(0), &transcript);
    let debugged = format!("{:?}", SessionFindings::of(&session, &SHIPPED));
    assert!(
        debugged.contains("ghp_... (40 characters)") && !debugged.contains(&some_token()[4..10]),
        "{debugged}"
    );
}
