//! What the processors keep of secrets: that there are some, and never the secrets.

use std::{collections::BTreeSet, fs};

use labelled_secrets::samples;
use serde_json::{Value, json};
use session_host_tests::World;

/// A token of GitHub's form that was never valid; whole only while the tests run.
fn token() -> String {
    ["gh", "p_", "Zk3vQ9wLr7XtB2mNc5Hd8Jf4Gs6Pa1Ye0UoT"].concat()
}

fn call(command: &str) -> Value {
    json!({"type": "assistant", "uuid": "u1", "sessionId": "s1", "message": {"content": [
        {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": command}}]}})
}

fn failure(text: &str) -> Value {
    json!({"type": "user", "uuid": "u2", "message": {"content": [
        {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": text}]}})
}

fn transcript(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Every value of every table, as text.
fn everything(world: &World) -> String {
    let tables = world.rows("SELECT table_name AS name FROM duckdb_tables() WHERE NOT internal");
    let rows = tables.iter().map(|table| {
        let rows = world.rows(&format!("FROM \"{}\"", table["name"].as_str().unwrap()));
        serde_json::to_string(&rows).unwrap()
    });
    rows.collect()
}

#[test]
fn no_secret_is_in_the_state_or_a_log() {
    let world = World::with(&["secrets", "errors"]);
    let secret = token();
    let lines = [
        call(&format!("curl -H 'Authorization: token {secret}' https://api.example/")),
        failure(&format!("Exit code 22\nbad credentials: {secret}")),
        json!({"type": "user", "uuid": secret, "message": {"content": "this line's identifier is a secret"}}),
    ];
    world.write("alice/leak.jsonl", transcript(&lines));
    world.write(
        "alice/torn.jsonl",
        format!("{}{{\"text\":\"{secret}", transcript(&lines[..1])),
    );
    let ran = world.run(&["-vv"]).exits(0);
    assert_eq!(world.count("secret_findings"), 2);
    assert_eq!(
        world.rows("SELECT message FROM session_errors"),
        [json!({"message": "Exit code 22\nbad credentials: [redacted: github-pat]"})]
    );
    let told = [everything(&world), ran.stdout, ran.stderr];
    assert!(told.iter().all(|text| !text.contains(&secret)));
    assert!(!world.state_holds(&secret));
}

#[test]
fn every_labelled_secret_is_found_and_nothing_else() {
    let world = World::with(&["secrets"]);
    let samples = samples().unwrap();
    let lines = samples.iter().map(|sample| sample.transcript_line().unwrap());
    world.write("alice/labelled.jsonl", lines.collect::<Vec<_>>().join("\n"));
    drop(world.run(&[]).exits(0));
    let found = world.rows("SELECT first_event_uuid AS sample, rule_id AS rule FROM secret_findings");
    let found: BTreeSet<(String, String)> = found
        .iter()
        .map(|row| {
            (
                row["sample"].as_str().unwrap().to_owned(),
                row["rule"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let labels = samples.iter().flat_map(|sample| {
        let rules = sample.rules.iter();
        rules.map(|rule| (sample.name.clone(), rule.clone()))
    });
    assert_eq!(found, labels.collect());
}

#[test]
fn a_secret_has_one_fingerprint_in_a_database_and_another_in_another() {
    let fingerprints = || {
        let world = World::with(&["secrets"]);
        // As many first findings at once as there are workers.
        for session in 0..40 {
            world.write(&format!("alice/{session}.jsonl"), transcript(&[call(&token())]));
        }
        drop(world.run(&["--workers", "8"]).exits(0));
        drop(world.host(&["reprocess", "secrets", "alice/7.jsonl"]).exits(0));
        drop(world.run(&[]).exits(0));
        assert_eq!((world.count("secret_findings"), world.count("secrets_salt")), (40, 1));
        world.rows("SELECT DISTINCT fingerprint FROM secret_findings")
    };
    let (one, other) = (fingerprints(), fingerprints());
    assert_eq!((one.len(), other.len()), (1, 1));
    assert_ne!(one, other);
}

#[test]
fn a_rule_file_that_is_broken_is_named_with_the_rule() {
    let world = World::with(&["secrets"]);
    let rules = world.path("rules.toml");
    fs::write(&rules, "[[rules]]\nid = \"ours\"\nregex = '''('''\n").unwrap();
    world.config(&format!("[processors.secrets]\nrules_file = \"{}\"\n", rules.display()));
    let refused = world.run(&["secrets"]).exits(2).stderr;
    assert!(
        refused.contains("rules.toml") && refused.contains("`ours`"),
        "{refused}"
    );
    fs::write(
        &rules,
        "[[rules]]\nid = \"ours\"\nregex = '''our_[0-9]{8}'''\nkeywords = [\"our_\"]\n",
    )
    .unwrap();
    world.write("alice/a.jsonl", transcript(&[call("login our_12345678")]));
    drop(world.run(&["secrets"]).exits(0));
    assert_eq!(world.rows("SELECT rule_id FROM secret_findings")[0]["rule_id"], "ours");
}

#[test]
fn messages_of_errors_are_redacted_by_the_rules_that_are_set() {
    let world = World::with(&["errors"]);
    let rules = world.path("rules.toml");
    world.config(&format!(
        "[processors.errors.secrets]\nrules_file = \"{}\"\n",
        rules.display()
    ));
    let refused = world.run(&["errors"]).exits(2).stderr;
    assert!(
        refused.contains("cannot use `secrets`: cannot read the rule file") && refused.contains("rules.toml"),
        "{refused}"
    );
    fs::write(&rules, "[[rules]]\nid = \"ours\"\nregex = '''our_[0-9]{8}'''\n").unwrap();
    world.write(
        "alice/a.jsonl",
        transcript(&[call("login"), failure("no such key: our_12345678")]),
    );
    drop(world.run(&["errors"]).exits(0));
    assert_eq!(
        world.rows("SELECT message FROM session_errors"),
        [json!({"message": "no such key: [redacted: ours]"})]
    );
}

#[test]
fn a_secret_that_only_the_key_of_its_list_gives_away_is_found_and_not_kept() {
    let world = World::with(&["secrets", "errors"]);
    let secret = "k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6";
    let settings = json!({"client_secrets": ["none", [secret]]}).to_string();
    world.write("alice/a.jsonl", transcript(&[call("login"), failure(&settings)]));
    let ran = world.run(&["-vv"]).exits(0);
    assert_eq!(
        world.rows("SELECT json_path FROM secret_findings"),
        [json!({"json_path": "message.content[0].content -> client_secrets[1][0]"})]
    );
    assert_eq!(world.count("session_errors"), 1);
    let told = [everything(&world), ran.stdout, ran.stderr];
    assert!(told.iter().all(|text| !text.contains(secret)), "{told:?}");
}
