//! Who a turn is from: what a person typed is a user's, what a machine wrote in the user's name is nobody's.

use model_server::ModelServer;
use serde_json::{Value, json};

use crate::scene::{Scene, model_that_reports, no_contradictions, reporting, verification};

fn user(text: &str) -> Value {
    json!({"type": "user", "message": {"role": "user", "content": text}})
}

fn assistant(text: &str) -> Value {
    json!({"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": text}]}})
}

fn queued(prompt: &str, mode: &str) -> Value {
    let attachment = json!({"type": "queued_command", "prompt": prompt, "commandMode": mode});
    json!({"type": "attachment", "attachment": attachment})
}

fn of(kind: &str, text: &str) -> Value {
    let mut line = user(text);
    line["origin"] = json!({"kind": kind});
    line
}

fn transcript(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The turns that the model is given: the speaker and the text of each.
fn turns(data: &str) -> Vec<(String, String)> {
    let mut turns = Vec::new();
    let mut lines = data.lines();
    while let Some(line) = lines.next() {
        if let Some((_, speaker)) = line.split_once("speaker=\"") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("</data-")).collect();
            turns.push((speaker.trim_end_matches("\">").to_owned(), text.join("\n")));
        }
    }
    turns
}

#[test]
fn what_is_typed_while_a_tool_runs_is_a_turn_of_the_user() {
    let scene = Scene::new(ModelServer::scripted([reporting(&[])]));
    let call = json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "make report"}});
    let result = json!({"type": "tool_result", "tool_use_id": "t1", "content": "done"});
    let lines = [
        user("sum up the rain"),
        json!({"type": "assistant", "message": {"content": [call]}}),
        json!({"type": "queue-operation", "operation": "enqueue", "content": "No, the year begins in May"}),
        json!({"type": "user", "message": {"content": [result]}}),
        queued("No, the year begins in May", "prompt"),
        assistant("From May on, then."),
    ];
    scene.world.write("alice/a.jsonl", transcript(&lines));
    assert_eq!(scene.processed(1), 0);
    let expected = [
        ("user", "sum up the rain"),
        ("user", "No, the year begins in May"),
        ("assistant", "From May on, then."),
    ];
    assert_eq!(
        turns(&scene.model.requests()[0].data()),
        expected.map(|(speaker, text)| (speaker.to_owned(), text.to_owned()))
    );
}

#[test]
fn what_a_machine_wrote_is_no_turn_and_no_evidence() {
    let machines = [
        of("hook", "Stop hook feedback:\nthe robot says that refunds are forbidden"),
        of(
            "task-notification",
            "<task-notification>the task says May</task-notification>",
        ),
        of("peer", "the peer says June"),
        user("PreToolUse:Bash hook feedback:\nthe guard says July"),
        user("<local-command-stdout>the shell says August</local-command-stdout>"),
        user("[Request interrupted by user]"),
        queued("the task says September", "task-notification"),
    ];
    let mut lines = vec![of("human", "the year begins in October")];
    lines.extend(machines);
    lines.push(assistant("I see."));
    let quotes = [
        "the robot says that refunds are forbidden",
        "the peer says June",
        "the year begins in October",
    ];
    let reported = quotes.map(|quote| verification("correction", &format!("{quote}."), quote));
    let scene = Scene::new(ModelServer::answering({
        let reported = reported.to_vec();
        move |request| match request.form().as_str() {
            "verifications" => reporting(&reported),
            _ => no_contradictions(),
        }
    }));
    scene.world.write("alice/a.jsonl", transcript(&lines));
    assert_eq!(scene.processed(1), 1);
    let given = turns(&scene.requests("verifications")[0].data());
    let expected = [("user", "the year begins in October"), ("assistant", "I see.")];
    assert_eq!(
        given,
        expected.map(|(speaker, text)| (speaker.to_owned(), text.to_owned()))
    );
    assert_eq!(
        scene.rows("SELECT user_quote FROM verification_evidence"),
        [json!({"user_quote": "the year begins in October"})]
    );
}

#[test]
fn what_may_be_a_secret_is_neither_sent_nor_kept() {
    let said = "No, postgres://app:swordfish@db is the old one, the year begins in May";
    let quote = "[redacted: URL credential]@db is the old one, the year begins in May";
    let scene = Scene::new(model_that_reports(vec![verification(
        "correction",
        "The year begins in May.",
        quote,
    )]));
    scene
        .world
        .write("alice/a.jsonl", transcript(&[user(said), assistant("I see.")]));
    assert_eq!(scene.processed(1), 1);
    let sent: Vec<String> = scene.model.requests().into_iter().map(|request| request.body).collect();
    assert!(!sent.iter().any(|body| body.contains("swordfish")), "{sent:?}");
    let evidence = scene.rows("SELECT user_quote FROM verification_evidence");
    assert!(
        evidence[0]["user_quote"]
            .as_str()
            .is_some_and(|kept| !kept.contains("swordfish")),
        "{evidence:?}"
    );
}
