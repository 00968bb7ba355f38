//! The search for texts: what is found, where, and what is never there to be found.

use std::fs;

use labelled_secrets::mask_samples;
use serde_json::{Value, json};
use session_host_tests::World;

/// A world in which two people have said something, and the texts are kept.
fn scene() -> World {
    let world = World::with(&["search"]);
    let call =
        json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "grep -c \"oven\" recipes.txt"}});
    let lines = [
        prompt("2026-03-01T10:00:00Z", "How hot is the Oven?"),
        answer(
            "2026-03-01T10:00:01Z",
            json!([{"type": "text", "text": "I look it up."}, call]),
        ),
        result(
            "2026-03-01T10:00:02Z",
            "t1",
            "180 °C, 100% sure:\n  it's_hot (really?) [ÄPFEL] a\\b",
        ),
    ];
    world.write("alice/-home-alice-bakery/a.jsonl", transcript(&lines));
    let lines = [
        prompt("2026-03-05T10:00:00Z", "Buy an oven, and an oven glove."),
        prompt("2026-03-06T10:00:00Z", "glove"),
    ];
    world.write(
        "bruno/b.jsonl",
        transcript(&lines).replace("/home/alice/bakery", "/home/bruno/shop"),
    );
    drop(world.run(&["search"]).exits(0));
    world
}

fn prompt(time: &str, text: &str) -> Value {
    json!({"type": "user", "sessionId": "s1", "cwd": "/home/alice/bakery", "timestamp": time, "uuid": format!("u{time}"),
           "message": {"role": "user", "content": text}})
}

fn answer(time: &str, content: Value) -> Value {
    json!({"type": "assistant", "sessionId": "s1", "timestamp": time, "message": {"role": "assistant", "content": content}})
}

fn result(time: &str, call: &str, text: &str) -> Value {
    json!({"type": "user", "sessionId": "s1", "timestamp": time, "message": {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": call, "content": text}]}})
}

fn transcript(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The hits of a search with these arguments.
#[track_caller]
fn search(world: &World, arguments: &[&str]) -> Vec<Value> {
    let answer = world.host(&[&["search", "--json"], arguments].concat()).exits(0).json();
    answer["hits"].as_array().unwrap().clone()
}

/// The session, the line and the kind of each hit.
#[track_caller]
fn found(world: &World, arguments: &[&str]) -> Vec<String> {
    let hits = search(world, arguments);
    let told = hits.iter().map(|hit| {
        let text = |name: &str| hit[name].as_str().unwrap().to_owned();
        format!("{}:{} {}", text("session"), hit["line"], text("kind"))
    });
    told.collect()
}

const PROMPT: &str = "alice/-home-alice-bakery/a.jsonl:1 prompt";
const CALL: &str = "alice/-home-alice-bakery/a.jsonl:2 tool_call";
const RESULT: &str = "alice/-home-alice-bakery/a.jsonl:3 tool_result";
const ERRAND: &str = "bruno/b.jsonl:1 prompt";

#[test]
fn what_was_said_and_done_is_found_at_its_place_the_newest_first() {
    let world = scene();
    assert_eq!(found(&world, &["oven"]), [ERRAND, CALL, PROMPT]);
    assert_eq!(found(&world, &["GLOVE", "Oven"]), [ERRAND]);
    assert_eq!(found(&world, &["oven glove"]), [ERRAND]);
    assert_eq!(found(&world, &["\"hot is\""]), [PROMPT]);
    assert_eq!(found(&world, &["\"is hot\""]), [""; 0]);
    let hit = &search(&world, &["180"])[0];
    assert_eq!(hit["tool"], "Bash");
    assert_eq!((&hit["username"], &hit["project"]), (&json!("alice"), &json!("bakery")));
    assert_eq!(hit["time"], "2026-03-01T10:00:02Z");
    assert_eq!(hit["excerpt"][0], json!({"text": "180", "hit": true}));
    let shown = world.host(&["search", "glove"]).exits(0).stdout;
    assert!(
        shown.contains("bruno/b.jsonl:1\n") && shown.contains("an oven glove."),
        "{shown}"
    );
    assert!(
        world
            .host(&["search", "nowhere"])
            .exits(0)
            .stdout
            .contains("nothing was found")
    );
}

#[test]
fn any_letter_means_itself_unless_a_regular_expression_is_asked_for() {
    let world = scene();
    for words in [
        "100%",
        "it's_hot",
        "(really?)",
        "[äpfel]",
        "a\\b",
        "\"sure: it's\"",
        "°",
    ] {
        assert_eq!(found(&world, &[words]), [RESULT], "{words}");
    }
    for words in ["1.0", "100_", "it%hot", "hot.", ".*", "re+ally"] {
        assert_eq!(found(&world, &[words]), [""; 0], "{words}");
    }
    assert_eq!(
        found(&world, &["--regex", "1.0%|^glove$"]),
        ["bruno/b.jsonl:2 prompt", RESULT]
    );
    for (refused, told) in [
        (&["--regex", "("][..], "no regular expression"),
        (&["--regex", "ov{1001}"], "DuckDB knows no such regular expression"),
        (&["\"\""], "no word"),
        (&["oven", "--limit", "0"], "`limit`"),
        (&["oven", "--since", "soon"], "no date"),
        (&["oven", "--since", "2026-03-02", "--until", "2026-03-01"], "swap"),
        (&["oven", "--before", "yesterday"], "`before`"),
    ] {
        world.host(&[&["search"], refused].concat()).exits(2).tells(told);
    }
}

#[test]
fn users_projects_and_times_are_filters_and_pages_end_where_the_next_begins() {
    let world = scene();
    assert_eq!(found(&world, &["oven", "--user", "alice"]), [CALL, PROMPT]);
    assert_eq!(found(&world, &["oven", "--project", "shop"]), [ERRAND]);
    assert_eq!(found(&world, &["oven", "--project", "sho"]), [""; 0]);
    assert_eq!(found(&world, &["oven", "--since", "2026-03-05"]), [ERRAND]);
    assert_eq!(found(&world, &["oven", "--until", "2026-03-04"]), [CALL, PROMPT]);
    assert_eq!(found(&world, &["oven", "--until", "2026-03-01T10:00:01Z"]), [PROMPT]);
    let mut paged = Vec::new();
    let mut arguments = ["search", "--json", "oven", "--limit", "1"].map(str::to_owned).to_vec();
    loop {
        let asked: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let page = world.host(&asked).exits(0).json();
        paged.push(page["hits"][0]["kind"].clone());
        let Some(older) = page["older"].as_str() else { break };
        arguments.truncate(5);
        arguments.extend(["--before".to_owned(), older.to_owned()]);
    }
    assert_eq!(paged, ["prompt", "tool_call", "prompt"]);
}

#[test]
fn a_session_that_grows_or_is_resumed_gives_each_text_once() {
    let world = scene();
    let session = "alice/-home-alice-bakery/a.jsonl";
    let before = fs::read_to_string(world.sessions().join(session)).unwrap();
    let more = transcript(&[prompt("2026-03-02T10:00:00Z", "Is the oven off?")]);
    world.write(session, format!("{before}{more}"));
    // The agent copies what was said so far into the file of the resumed session.
    world.write("alice/resumed.jsonl", format!("{before}{}", more.replace("off", "on")));
    drop(world.run(&["search"]).exits(0));
    assert_eq!(
        found(&world, &["oven", "--user", "alice"]),
        [
            "alice/resumed.jsonl:4 prompt",
            "alice/-home-alice-bakery/a.jsonl:4 prompt",
            "alice/resumed.jsonl:2 tool_call",
            CALL,
            "alice/resumed.jsonl:1 prompt",
            PROMPT,
        ]
    );
    drop(world.host(&["forget", "alice"]).exits(0));
    assert_eq!(found(&world, &["oven"]), [ERRAND]);
}

#[test]
fn no_secret_can_be_found_or_is_stored() {
    let world = World::with(&["search"]);
    let secret = ["gh", "p_", "Zk3vQ9wLr7XtB2mNc5Hd8Jf4Gs6Pa1Ye0UoT"].concat();
    let password = "tr0ub4dor-Zebra-71";
    let time = "2026-03-01T10:00:00Z";
    let input = json!({"command": format!("curl -H 'Authorization: token {secret}' x"),
                       "env": {"DB_PASSWORD": password, "nested": [{"password": password}]}});
    let lines = [
        prompt(time, &format!("my token is {secret}, keep it")),
        answer(
            time,
            json!([{"type": "tool_use", "id": "t1", "name": "Bash", "input": input}]),
        ),
        result(time, "t1", &format!("{{\"password\": \"{password}\"}} {secret}")),
    ];
    world.write("alice/a.jsonl", transcript(&lines));
    drop(world.run(&["search"]).exits(0));
    for hidden in [secret.as_str(), password] {
        assert_eq!(found(&world, &[hidden]), [""; 0]);
        assert!(!world.state_holds(hidden), "{hidden}");
        let texts = world.rows("SELECT text FROM search_texts");
        assert!(
            texts.iter().all(|row| !row["text"].as_str().unwrap().contains(hidden)),
            "{texts:?}"
        );
    }
    assert_eq!(found(&world, &["redacted"]).len(), 3);
}

#[test]
fn what_may_be_a_secret_is_masked_in_arguments_as_in_texts() {
    let world = World::with(&["search"]);
    let samples = mask_samples().unwrap();
    let labelled: Vec<_> = samples
        .iter()
        .filter_map(|sample| Some((sample, sample.secret.as_ref()?)))
        .collect();
    let lines: Vec<Value> = labelled
        .iter()
        .map(|(sample, _)| {
            answer(
                "2026-03-01T10:00:00Z",
                json!([{"type": "tool_use", "name": "Bash", "input": {"command": sample.text}}]),
            )
        })
        .collect();
    world.write("alice/a.jsonl", transcript(&lines));
    drop(world.run(&["search"]).exits(0));
    let texts = world.rows("SELECT text FROM search_texts ORDER BY line");
    assert_eq!(texts.len(), labelled.len());
    let kept = texts
        .iter()
        .zip(&labelled)
        .filter(|(row, (_, secret))| row["text"].as_str().unwrap().contains(secret.as_str()));
    let kept: Vec<&str> = kept.map(|(_, (sample, _))| sample.name.as_str()).collect();
    // As many as `redact` misses in the texts themselves.
    assert!(
        kept.len() * 50 <= labelled.len(),
        "{} of {}: {kept:?}",
        kept.len(),
        labelled.len()
    );
}

#[test]
fn without_texts_the_command_says_what_to_do() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":1}"#);
    world
        .host(&["search", "x"])
        .exits(2)
        .tells("`session-host run` creates it");
    drop(world.run(&["probe"]).exits(0));
    world
        .host(&["search", "x"])
        .exits(2)
        .tells("no loaded processor keeps texts");
    world.install("search");
    world.host(&["search", "x"]).exits(2).tells("`session-host run search`");
    world.config("disabled_plugins = [\"libsearch.so\", \"search.so\"]");
    world
        .host(&["search", "x"])
        .exits(2)
        .tells("no loaded processor keeps texts");
}
