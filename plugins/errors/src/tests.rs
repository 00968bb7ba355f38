//! Tests complete transcripts and their rows.

use std::borrow::Cow;

use session_plugin_api::{Session, Timestamp};

use crate::{classes::Classes, session_errors::SessionErrors};

#[track_caller]
fn check(lines: &[String], check: impl FnOnce(SessionErrors<'_>)) {
    check_redacted(lines, |text| text.replace("hunter2", "[redacted]").into(), check);
}

#[track_caller]
fn check_redacted(lines: &[String], redact: impl Fn(&str) -> Cow<'_, str>, check: impl FnOnce(SessionErrors<'_>)) {
    let transcript = lines.join("\n");
    let modified = Timestamp::from_micros(99_000_000);
    let session = Session::from_bytes("alice/s.jsonl", "alice", modified, transcript.as_bytes());
    let classes = Classes::shipped().unwrap();
    check(SessionErrors::of(&session, &classes, redact));
}

#[track_caller]
fn ends(lines: &[String], ending: &str) {
    check(lines, |found| assert_eq!(found.outcome.ended_on, ending, "{lines:#?}"));
}

fn call(id: &str, tool: &str, input: &str) -> String {
    let block = format!(r#"{{"type":"tool_use","id":"{id}","name":"{tool}","input":{{"of":"{input}"}}}}"#);
    format!(r#"{{"type":"assistant","message":{{"content":[{block}]}}}}"#)
}

fn result(id: &str, is_error: bool, text: &str) -> String {
    let block = format!(r#"{{"type":"tool_result","tool_use_id":"{id}","is_error":{is_error},"content":"{text}"}}"#);
    format!(
        r#"{{"type":"user","uuid":"of-{id}","timestamp":"1970-01-01T00:00:07Z","message":{{"content":[{block}]}}}}"#
    )
}

fn said(kind: &str, text: &str) -> String {
    format!(r#"{{"type":"{kind}","message":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#)
}

fn api_error(text: &str) -> String {
    said("assistant", text).replacen('{', r#"{"isApiErrorMessage":true,"#, 1)
}

#[test]
fn a_failing_call_is_told_with_its_tool_its_class_and_where() {
    let lines = [
        r#"{"type":"user","sessionId":"s1"}"#.to_owned(),
        call("t1", "Bash", "ls"),
        result("t1", true, "Exit code 2\\nls: hunter2: No such file or directory"),
    ];
    check(&lines, |found| {
        let [error] = found.errors.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(
            (error.class, error.tool_name.as_deref()),
            ("file_not_found", Some("Bash"))
        );
        assert_eq!((&*error.session_id, error.username), ("s1", "alice"));
        assert_eq!((error.line, error.event_uuid.as_deref()), (3, Some("of-t1")));
        assert_eq!(error.tool_use_id.as_deref(), Some("t1"));
        assert_eq!(error.occurred_at, Timestamp::from_micros(7_000_000));
        assert_eq!(error.message, "Exit code 2\nls: [redacted]: No such file or directory");
        assert_eq!((found.outcome.error_count, found.outcome.distinct_classes), (1, 1));
    });
}

#[test]
fn retries_and_recoveries() {
    let lines = [
        call("t1", "Bash", "a"),
        result("t1", true, "Exit code 1"),
        call("t2", "Bash", "a"),
        result("t2", true, "Exit code 1"),
        call("t3", "Bash", "a"),
        result("t3", false, "done"),
        call("t4", "Read", "b"),
        result("t4", true, "File does not exist."),
    ];
    check(&lines, |found| {
        let errors = found.errors.iter().map(|error| (error.is_retry, error.recovered));
        assert_eq!(
            errors.collect::<Vec<_>>(),
            [(false, true), (true, true), (false, false)]
        );
        assert_eq!(
            (found.outcome.longest_retry_run, found.outcome.distinct_classes),
            (2, 2)
        );
    });
}

#[test]
fn the_same_call_made_twice_at_once_is_no_retry() {
    let lines = [
        call("t1", "Bash", "a"),
        call("t2", "Bash", "a"),
        result("t1", true, "Exit code 1"),
        result("t2", true, "Exit code 1"),
    ];
    check(&lines, |found| {
        assert!(found.errors.iter().all(|error| !error.is_retry));
        assert_eq!(found.outcome.longest_retry_run, 0);
    });
}

#[test]
fn errors_of_the_api_are_retried_and_recovered_by_an_answer() {
    let failed = r#"{"type":"system","subtype":"api_error","level":"error","error":{"status":529,"error":{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}}}"#;
    let lines = [
        said("user", "hello"),
        failed.to_owned(),
        failed.to_owned(),
        said("assistant", "hello"),
        api_error("API Error: 500"),
    ];
    check(&lines, |found| {
        let errors: Vec<_> = found
            .errors
            .iter()
            .map(|error| (error.class, error.message.as_str(), error.is_retry, error.recovered))
            .collect();
        let overloaded = "529 overloaded_error Overloaded";
        let expected = [
            ("api_overloaded", overloaded, false, true),
            ("api_overloaded", overloaded, true, true),
            ("api_error", "API Error: 500", false, false),
        ];
        assert_eq!(errors, expected);
    });
    ends(&lines, "error");
}

#[test]
fn the_agents_code_takes_precedence_over_the_text() {
    let refused = |code: &str| {
        let error = api_error("You've hit your credit balance: request timed out");
        error.replacen('{', &format!(r#"{{"error":"{code}","#), 1)
    };
    let failed = r#"{"type":"system","subtype":"api_error","error":{"status":400,"error":{"type":"error","error":{"type":"rate_limit_error","message":"Overloaded"}}}}"#;
    let denied = result("t1", true, "Request timed out").replacen('{', r#"{"toolDenialKind":"permission-rule","#, 1);
    let lines = [
        refused("rate_limit"),
        refused("billing_error"),
        refused("unknown"),
        failed.to_owned(),
        call("t1", "Bash", "a"),
        denied,
    ];
    check(&lines, |found| {
        let classes: Vec<_> = found.errors.iter().map(|error| error.class).collect();
        assert_eq!(
            classes,
            [
                "api_rate_limited",
                "api_billing",
                "api_billing",
                "api_rate_limited",
                "permission_denied"
            ]
        );
    });
}

#[test]
fn a_stop_by_a_person_is_told_once() {
    let rejected = [
        call("t1", "Bash", "a"),
        result("t1", true, "The user doesn't want to proceed with this tool use."),
        said("user", "[Request interrupted by user for tool use]"),
    ];
    check(&rejected, |found| {
        assert_eq!(found.errors.len(), 1);
        assert_eq!(found.errors[0].class, "user_rejected");
    });
    ends(&rejected, "interrupted");
    let interrupted = [
        said("user", "hello"),
        said("user", "[Request interrupted by user]"),
        said("assistant", "well"),
    ];
    check(&interrupted, |found| {
        let [error] = found.errors.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(
            (error.class, error.recovered, &error.tool_name),
            ("interrupted", true, &None)
        );
    });
    ends(&interrupted[..2], "interrupted");
    let record = r#""toolUseResult":{"stdout":"","interrupted":true},"#;
    let stopped = [
        call("t1", "Bash", "a"),
        result("t1", false, "partly").replacen('{', &format!("{{{record}"), 1),
    ];
    check(&stopped, |found| {
        let classes = found
            .errors
            .iter()
            .map(|error| (error.class, error.tool_name.as_deref()));
        assert_eq!(classes.collect::<Vec<_>>(), [("interrupted", Some("Bash"))]);
    });
    ends(&stopped, "interrupted");
}

#[test]
fn the_ending_of_a_session() {
    ends(&[], "open");
    ends(&[said("user", "hello")], "open");
    ends(&[said("user", "hello"), said("assistant", "hello")], "answer");
    let call = call("t1", "Bash", "a");
    ends(std::slice::from_ref(&call), "open");
    ends(&[call.clone(), result("t1", false, "done")], "open");
    ends(&[call.clone(), result("t1", true, "Exit code 1")], "error");
    let after_a_command = [
        said("assistant", "hello"),
        said("user", "<command-name>/exit</command-name>"),
        said("user", "<local-command-stdout>Bye</local-command-stdout>"),
    ];
    ends(&after_a_command, "answer");
    let sidechain = |line: String| line.replacen('{', r#"{"isSidechain":true,"#, 1);
    ends(&[said("assistant", "hello"), sidechain(call.clone())], "answer");
    ends(
        &[sidechain(said("user", "hello")), sidechain(said("assistant", "hello"))],
        "answer",
    );
}

#[test]
fn results_without_their_call_and_old_ones_count() {
    let lines = [
        result("elsewhere", true, "Exit code 1"),
        call("t1", "Bash", "a"),
        r#"{"type":"tool_use_result","toolUseId":"t1","is_error":true,"content":"Exit code 1"}"#.to_owned(),
        result("t1", true, "Exit code 1"),
    ];
    check(&lines, |found| {
        let tools = found.errors.iter().map(|error| error.tool_name.as_deref());
        assert_eq!(tools.collect::<Vec<_>>(), [None, Some("Bash")]);
    });
}

#[test]
fn a_message_is_cut_by_characters_after_secrets_are_out_of_it() {
    let text = format!("{}hunter2", "é".repeat(497));
    check(&[result("t1", true, &text)], |found| {
        assert_eq!(found.errors[0].message, format!("{}[re", "é".repeat(497)));
    });
}

#[test]
fn a_secret_that_ends_behind_what_is_kept_is_out_of_a_message() {
    let secret = "abcd".repeat(600);
    let rest = "é".repeat(20_000);
    let lines = [result("t1", true, &format!("{}<{secret}> {rest}", "x".repeat(490)))];
    check_redacted(
        &lines,
        |text| text.replace(&secret, "[redacted]").into(),
        |found| assert_eq!(found.errors[0].message, format!("{}<[redacted", "x".repeat(490))),
    );
}

#[test]
fn text_near_the_end_of_the_searched_part_is_not_stored() {
    let text = format!("{} cut{}", "x".repeat(16_380), "off".repeat(1000));
    check_redacted(
        &[result("t1", true, &text)],
        |text| text.replace(&"x".repeat(16_380), "[redacted]").into(),
        |found| assert_eq!(found.errors[0].message, ""),
    );
}
