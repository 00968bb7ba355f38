//! One session as a page: what it shows, what it masks, and what it refuses.

use serde_json::{Value, json};
use session_host_tests::{Service, Visit, World, wait_until};

use crate::steps::serve_processed;

/// A key of the form that AWS gives; it was never valid, and is whole only while the tests run.
fn key() -> String {
    ["AKIA", "QMGK2UPXJNE74YPX"].concat()
}

fn transcript(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn prompt(text: &str) -> Value {
    json!({"type": "user", "sessionId": "s1", "timestamp": "2026-03-01T10:00:00Z", "message": {"content": text}})
}

fn answer(blocks: Value) -> Value {
    json!({"type": "assistant", "sessionId": "s1", "timestamp": "2026-03-01T10:00:01Z", "requestId": "r1", "message": {
        "id": "msg_1", "model": "claude-sonnet-4-5", "content": blocks,
        "usage": {"input_tokens": 1000, "output_tokens": 200}}})
}

fn result(id: &str, text: &str) -> Value {
    json!({"type": "user", "sessionId": "s1", "timestamp": "2026-03-01T10:00:04Z", "message": {"content": [
        {"type": "tool_result", "tool_use_id": id, "content": text}]}})
}

/// The page of a session.
fn one(service: &Service, visit: &Visit, session: &str) -> String {
    visit.get(service, &format!("/sessions/one?key={session}")).is(200).body
}

#[test]
fn a_session_is_a_conversation() {
    let world = World::with(&["usage"]);
    let mut failed = result("t1", "no such file");
    failed["message"]["content"][0]["is_error"] = json!(true);
    let edit = json!({"file_path": "a.rs", "old_string": "let tea = 1;", "new_string": "let tea = 2;"});
    let lines = [
        prompt("Please *look*"),
        answer(json!([{"type": "thinking", "thinking": "Perhaps"}, {"type": "text", "text": "It is **there**."}])),
        answer(json!([{"type": "tool_use", "id": "t1", "name": "Read", "input": {"file_path": "b.rs"}}])),
        failed,
        answer(json!([{"type": "tool_use", "id": "t2", "name": "Edit", "input": edit}])),
        result("t2", "done"),
        json!({"type": "telepathy", "sessionId": "s1", "thought": "tea"}),
    ];
    world.write("alice/a.jsonl", transcript(&lines));
    let service = world.serve(&[]);
    drop(service.run("usage").is(200));
    let visit = Visit::of(&service);
    let page = one(&service, &visit, "alice/a.jsonl");
    for text in [
        "Please *look*",
        "<strong>there</strong>",
        "<summary>Thinking</summary>",
        "Perhaps",
        "b.rs",
        "no such file",
        "failed",
        "took 3.0 s",
        "class=\"removed\"",
        "let tea = 2;",
        "1 × telepathy",
        "id=\"line-4\"",
        "1,000 in, 200 out",
        "$0.0060",
        "So far 1,200 tokens",
        "Failed on this page: 1",
        "usage_stored_messages",
    ] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    assert_eq!(
        page.matches("<p class=\"cost\">").count(),
        1,
        "a response is told of twice: {page}"
    );
    let rows = "/sessions/one/rows?key=alice/a.jsonl&table=usage_stored_messages";
    let rows = visit.get(&service, rows).is(200).body;
    assert!(rows.contains("claude-sonnet-4-5"), "{rows}");
    for table in [
        "audit_log",
        "session_processor_state",
        "nothing",
        "usage_stored_messages%22",
    ] {
        drop(
            visit
                .get(&service, &format!("/sessions/one/rows?key=alice/a.jsonl&table={table}"))
                .is(404),
        );
    }
    let line = visit
        .get(&service, "/sessions/one/line?key=alice/a.jsonl&at=7")
        .is(200)
        .body;
    assert!(line.contains("&quot;thought&quot;: &quot;tea&quot;"), "{line}");
}

#[test]
fn secrets_are_masked_wherever_they_stand() {
    let world = World::with(&["errors", "secrets"]);
    let key = key();
    let house = "house-8305172649-token";
    world.config(
        "[processors.secrets]\nrules_file = \"RULES\"\n"
            .replace("RULES", world.path("rules.toml").to_str().unwrap())
            .as_str(),
    );
    let rules = "[extend]\nuseDefault = true\n[[rules]]\nid = \"house\"\ndescription = \"House\"\nregex = '''house-[0-9]{10}-token'''\nkeywords = [\"house-\"]\n";
    std::fs::write(world.path("rules.toml"), rules).unwrap();
    let mut failed = result("t1", &format!("KEY={key} {house}"));
    failed["message"]["content"][0]["is_error"] = json!(true);
    failed["toolUseResult"] =
        json!({"structuredPatch": [{"oldStart": 1, "newStart": 1, "lines": [format!("-{key}"), format!("+{house}")]}]});
    let input = json!({"file_path": format!("/home/{key}/{house}"), "old_string": key, "new_string": house, "password": "correct7horse"});
    let lines = [
        prompt(&format!("use {key} and {house}")),
        answer(
            json!([{"type": "text", "text": format!("Your **{key}** and `{house}`")}, {"type": "thinking", "thinking": key}]),
        ),
        answer(json!([{"type": "tool_use", "id": "t1", "name": "Edit", "input": input}])),
        failed,
        answer(json!([{"type": "tool_use", "id": "t2", "name": "Edit", "input": input}])),
        json!({"type": key, "data": house}),
        json!(format!("{key} {house}")),
    ];
    let padding = "tea ".repeat(4_995);
    let long = prompt(&format!("{padding} {key} {padding}"));
    world.write("alice/a.jsonl", transcript(&lines) + &transcript(&[long]));
    let service = world.serve(&[]);
    for processor in ["errors", "secrets"] {
        drop(service.run(processor).is(200));
    }
    let visit = Visit::of(&service);
    let mut pages = vec![one(&service, &visit, "alice/a.jsonl")];
    for line in 1..=8 {
        let page = visit.get(&service, &format!("/sessions/one/line?key=alice/a.jsonl&at={line}"));
        pages.push(page.is(200).body);
    }
    for table in ["session_errors", "session_outcome", "secret_findings"] {
        let page = visit.get(&service, &format!("/sessions/one/rows?key=alice/a.jsonl&table={table}"));
        pages.push(page.is(200).body);
    }
    for page in &pages {
        assert!(!page.contains(&key) && !page.contains(house), "{page}");
        assert!(!page.contains("correct7horse"), "{page}");
    }
    assert!(
        pages[0].contains("[redacted: aws-access-token]") && pages[0].contains("[redacted: house]"),
        "{}",
        pages[0]
    );
    assert!(
        pages[0].contains("Secrets: ") && pages[0].contains("Errors: 1"),
        "{}",
        pages[0]
    );
    assert!(pages[0].contains("more bytes: show all of it"));
}

#[test]
fn nothing_is_shown_if_nobody_knows_what_to_mask() {
    let world = World::with(&["probe"]);
    world.config("[processors.secrets]\nrules_file = \"/nowhere/rules.toml\"\n");
    world.write("alice/a.jsonl", transcript(&[prompt("hunter2")]));
    let service = world.serve(&[]);
    let visit = Visit::of(&service);
    let page = visit.get(&service, "/sessions/one?key=alice/a.jsonl").is(503).body;
    assert!(
        page.contains("does not say what to mask") && !page.contains("hunter2"),
        "{page}"
    );
}

#[test]
fn only_sessions_are_shown() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", transcript(&[prompt("tea")]));
    world.write("alice/a.txt", "hunter2");
    std::fs::write(world.path("outside.jsonl"), transcript(&[prompt("hunter2")])).unwrap();
    std::os::unix::fs::symlink(world.path("outside.jsonl"), world.sessions().join("alice/link.jsonl")).unwrap();
    let service = world.serve(&[]);
    let visit = Visit::of(&service);
    for session in [
        "",
        "a.jsonl",
        "alice/a.txt",
        "alice/link.jsonl",
        "../outside.jsonl",
        "alice/../../outside.jsonl",
        "alice/..%2F..%2Foutside.jsonl",
        "alice%2F.%2Fa.jsonl",
        "%5Cx2E%5Cx2E/outside.jsonl",
        "/etc/passwd",
        "alice/a.jsonl%00",
        "alice/nobody.jsonl",
    ] {
        for target in ["/sessions/one?key=", "/sessions/one/line?at=1&key="] {
            let answer = visit.get(&service, &format!("{target}{session}"));
            assert!(matches!(answer.status, 400 | 404), "{session}: {}", answer.status);
            assert!(!answer.body.contains("hunter2"), "{session}");
        }
    }
    for wrong in ["at=x&key=alice/a.jsonl", "at=-1&key=alice/a.jsonl", "at=1"] {
        drop(visit.get(&service, &format!("/sessions/one?{wrong}")).is(400));
    }
    drop(service.get("/sessions/one?key=alice/a.jsonl").is(303));
}

#[test]
fn what_is_stored_outlives_the_transcript() {
    let (world, service) = serve_processed(1);
    let visit = Visit::of(&service);
    world.write("alice/fails.jsonl", r#"{"do":"error","message":"no <b>good"}"#);
    drop(service.run("probe").is(200));
    std::fs::remove_file(world.sessions().join("alice/0.jsonl")).unwrap();
    let page = one(&service, &visit, "alice/0.jsonl");
    for text in ["The transcript is gone", "probe_rows", "1 row<", "alice"] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    let failing = one(&service, &visit, "alice/fails.jsonl");
    assert!(
        failing.contains("no &lt;b&gt;good") && !failing.contains("The transcript is gone"),
        "{failing}"
    );
}

#[test]
fn a_large_transcript_is_shown_page_by_page() {
    let world = World::with(&["probe"]);
    let lines: Vec<Value> = (1..=10_000)
        .map(|number| prompt(&format!("prompt {number}.")))
        .collect();
    let path = world.write("alice/a.jsonl", transcript(&lines));
    let service = world.serve(&[]);
    let visit = Visit::of(&service);
    let first = one(&service, &visit, "alice/a.jsonl");
    assert!(first.contains("Lines 1 to 200 of 10,000, page 1 of 50"), "{first}");
    assert!(first.contains("prompt 200.") && !first.contains("prompt 201."));
    assert!(
        first.contains("from=201\" rel=\"next\"") && first.contains("from=9801"),
        "{first}"
    );
    assert!(first.len() < 300_000, "{}", first.len());
    let at = visit
        .get(&service, "/sessions/one?key=alice/a.jsonl&at=5000")
        .is(200)
        .body;
    assert!(
        at.contains("id=\"line-5000\" data-entry tabindex=\"-1\" autofocus"),
        "{at}"
    );
    assert!(at.contains("prompt 4801.") && !at.contains("prompt 4800.") && at.contains("rel=\"prev\""));
    let second = visit
        .get(&service, "/sessions/one?key=alice/a.jsonl&from=201")
        .is(200)
        .body;
    assert!(
        second.contains("prompt 201.") && !second.contains("autofocus"),
        "{second}"
    );
    let beyond = visit
        .get(&service, "/sessions/one?key=alice/a.jsonl&at=20000")
        .is(200)
        .body;
    assert!(beyond.contains("no such line") && beyond.contains("prompt 10000."));
    let more = transcript(&lines) + &transcript(&[prompt("one more.")]);
    std::fs::write(path, more).unwrap();
    let last = visit
        .get(&service, "/sessions/one?key=alice/a.jsonl&at=10001")
        .is(200)
        .body;
    assert!(last.contains("one more.") && last.contains("of 10,001"), "{last}");
    drop(
        visit
            .get(&service, "/sessions/one/line?key=alice/a.jsonl&at=10002")
            .is(404),
    );
}

#[test]
fn torn_and_spliced_lines_are_shown_as_they_stand() {
    let world = World::with(&["probe"]);
    let text = format!(
        "{}{}<b>torn\nno json\n{}",
        prompt("first."),
        prompt("second."),
        r#"{"type":"user","mess"#
    );
    world.write("alice/a.jsonl", text);
    let service = world.serve(&[]);
    let page = one(&service, &Visit::of(&service), "alice/a.jsonl");
    for text in [
        "first.",
        "second.",
        "&lt;b&gt;torn",
        "no json",
        "2 pieces of this page are no records",
        "unfinished",
    ] {
        assert!(page.contains(text), "no {text} in {page}");
    }
}

#[test]
fn a_line_of_many_records_says_how_many_are_not_shown() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", r#"{"type":"a"}"#.repeat(10_000));
    let service = world.serve(&[]);
    let visit = Visit::of(&service);
    let line = visit.get(&service, "/sessions/one/line?key=alice/a.jsonl&at=1").is(200);
    for page in [one(&service, &visit, "alice/a.jsonl"), line.body] {
        assert!(page.contains("more records: a page shows no more of so many"), "{page}");
        assert!(page.len() < 4_000_000, "{}", page.len());
    }
}

#[test]
fn the_transcripts_of_subagents_are_linked() {
    let world = World::with(&["probe"]);
    world.config("recursive = true\n");
    let mut done = result("t1", "done");
    done["toolUseResult"] = json!({"agentId": "a1"});
    let call = answer(json!([{"type": "tool_use", "id": "t1", "name": "Task", "input": {"prompt": "go"}}]));
    let relayed = json!({"type": "progress", "data": {"agentId": "a1", "message": {"type": "assistant", "message": {"content": "on my way"}}}});
    world.write("alice/s1.jsonl", transcript(&[call, relayed, done]));
    let mut own = prompt("go");
    own["isSidechain"] = json!(true);
    world.write("alice/s1/subagents/agent-a1.jsonl", transcript(&[own]));
    let service = world.serve(&[]);
    let visit = Visit::of(&service);
    let page = one(&service, &visit, "alice/s1.jsonl");
    let link = "/sessions/one?key=alice%2Fs1%2Fsubagents%2Fagent-a1.jsonl";
    assert!(page.contains(&format!("{link}\">Subagent's transcript")), "{page}");
    assert!(
        page.contains("Subagents: 1") && page.contains("on my way") && page.contains("Subagent a1: 1 line"),
        "{page}"
    );
    let subagent = visit.get(&service, link).is(200).body;
    assert!(
        subagent.contains("/sessions/one?key=alice%2Fs1.jsonl") && subagent.contains("id=\"line-1\""),
        "{subagent}"
    );
}

#[test]
fn many_who_look_at_once_all_see_it() {
    let world = World::with(&["probe"]);
    let lines: Vec<Value> = (0..2_000).map(|number| prompt(&format!("prompt {number}."))).collect();
    world.write("alice/a.jsonl", transcript(&lines));
    let service = world.serve(&[]);
    let visit = Visit::of(&service);
    std::thread::scope(|scope| {
        for at in 0..12 {
            let (service, visit) = (&service, &visit);
            scope.spawn(move || {
                drop(
                    visit
                        .get(service, &format!("/sessions/one?key=alice/a.jsonl&at={}", at * 150 + 1))
                        .is(200),
                )
            });
        }
    });
    wait_until("the service answers", || service.get("/api/health").status == 200);
}
