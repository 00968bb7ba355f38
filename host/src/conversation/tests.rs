use std::{fs, sync::Arc, time::Duration};

use secret_detector::Rules;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

fn mask() -> Mask {
    Mask::new(Arc::new(Rules::shipped().unwrap()))
}

fn key() -> String {
    ["AKIA", "QMGK2UPXJNE74YPX"].concat()
}

/// A private key in PEM that belongs to nobody, and the lines of its body.
fn private_key() -> (String, Vec<String>) {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut number = 7_u64;
    let mut letter = || {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[(number >> 58) as usize])
    };
    let body: Vec<String> = (0..8).map(|_| (0..64).map(|_| letter()).collect()).collect();
    let [begin, end] = ["BEGIN", "END"].map(|word| format!("-----{word} RSA PRIVATE {}", "KEY-----"));
    ([begin, body.join("\n"), end].join("\n"), body)
}

/// A transcript, and the folder that it lies in.
fn opened(text: impl AsRef<[u8]>) -> (TempDir, Conversation) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(&path, text).unwrap();
    let conversation = Conversation::open(&path, &PageCache::default()).unwrap();
    (folder, conversation)
}

fn page(conversation: &Conversation, number: usize) -> Vec<Entry> {
    let page = conversation.pages().get(number).unwrap();
    conversation.read(&page, &mask(), Extent::Beginning).unwrap()
}

fn entries(lines: &[Value]) -> Vec<Entry> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (_folder, conversation) = opened(text);
    page(&conversation, 0)
}

fn call(id: &str, name: &str, input: Value) -> Value {
    json!({"type": "assistant", "timestamp": "2026-03-01T10:00:00Z", "message": {"id": "m1", "model": "claude", "usage": {"output_tokens": 7},
        "content": [{"type": "tool_use", "id": id, "name": name, "input": input}]}})
}

fn result(id: &str, content: Value) -> Value {
    json!({"type": "user", "timestamp": "2026-03-01T10:00:02.5Z", "message": {"content": [
        {"type": "tool_result", "tool_use_id": id, "content": content}]}})
}

/// Every text that entries hold, as Rust writes them.
fn everything(entries: &[Entry]) -> String {
    format!("{entries:?}")
}

#[test]
fn a_call_has_its_input_its_output_and_how_long_it_took() {
    let told = entries(&[
        json!({"type": "user", "message": {"content": "list <files>\nplease"}}),
        call("t1", "Bash", json!({"command": "ls", "timeout": 7})),
        result(
            "t1",
            json!([{"type": "text", "text": "a.txt"}, {"type": "image", "source": {"media_type": "image/png", "data": "QUJD"}}]),
        ),
    ]);
    let [prompt, answer] = &told[..] else {
        panic!("{told:#?}")
    };
    assert_eq!((prompt.line, &prompt.speaker), (1, &Speaker::Person));
    let [Part::Text(text)] = &prompt.parts[..] else {
        panic!()
    };
    assert_eq!(text.text.as_str(), "list <files>\nplease");
    let [Part::Call(call)] = &answer.parts[..] else {
        panic!()
    };
    let input: Vec<_> = call
        .input
        .iter()
        .map(|field| (field.name.as_str(), field.value.text.as_str()))
        .collect();
    assert_eq!(
        (call.name.as_str(), input),
        ("Bash", vec![("command", "ls"), ("timeout", "7")])
    );
    let output = call.output.as_ref().unwrap();
    assert_eq!((output.line, output.took), (3, Some(Duration::from_millis(2500))));
    let [Part::Text(text), Part::Remark(image)] = &output.parts[..] else {
        panic!()
    };
    assert_eq!(
        (text.text.as_str(), image.as_str()),
        ("a.txt", "not shown: image image/png of 6 characters")
    );
    assert_eq!(answer.response.as_ref().unwrap().tokens.output, 7);
}

#[test]
fn a_call_and_its_result_on_two_pages_point_at_each_other() {
    let filler = json!({"type": "user", "message": {"content": "tea"}});
    let mut lines: Vec<String> = vec![filler.to_string(); 199];
    lines.push(call("t1", "Read", json!({})).to_string());
    lines.push(result("t1", json!("x")).to_string());
    let (_folder, conversation) = opened(lines.join("\n"));
    let first = page(&conversation, 0);
    let Some(Part::Call(call)) = first.last().unwrap().parts.last() else {
        panic!()
    };
    assert_eq!(call.answered.unwrap().line, 201);
    let second = page(&conversation, 1);
    let [
        Entry {
            line: 201,
            speaker: Speaker::Tool,
            parts,
            ..
        },
    ] = &second[..]
    else {
        panic!("{second:#?}")
    };
    let [Part::Output(output)] = &parts[..] else { panic!() };
    let known = output.call.as_ref().unwrap();
    assert_eq!(
        (known.line, known.name.as_str(), output.took),
        (200, "Read", Some(Duration::from_millis(2500)))
    );
}

#[test]
fn edits_are_diffs_and_the_tool_knows_better() {
    let edit = json!({"file_path": "a.rs", "old_string": "one\ntwo", "new_string": "one\nthree"});
    let told = entries(&[call("t1", "Edit", edit.clone())]);
    let [Part::Call(call_alone)] = &told[0].parts[..] else {
        panic!()
    };
    assert_eq!((call_alone.edits.len(), call_alone.input.len()), (1, 1));
    let mut answer = result("t1", json!("done"));
    answer["toolUseResult"] =
        json!({"structuredPatch": [{"oldStart": 3, "newStart": 3, "lines": [" one", "-two", "+three"]}]});
    let told = entries(&[call("t1", "Edit", edit.clone()), answer]);
    let [Part::Call(answered)] = &told[0].parts[..] else {
        panic!()
    };
    assert!(answered.edits.is_empty());
    let patch = answered.output.as_ref().unwrap().patch.as_ref().unwrap();
    assert_eq!((patch.hunks[0].place, patch.hunks[0].lines.len()), (Some((3, 3)), 3));
    let several = json!({"edits": [edit, {"old_string": "a", "new_string": "b"}, 7]});
    let told = entries(&[call("t1", "MultiEdit", several)]);
    let [Part::Call(several)] = &told[0].parts[..] else {
        panic!()
    };
    assert_eq!((several.edits.len(), several.input.len()), (2, 1));
    let told_by_diffs = json!({"edits": [{"old_string": "a", "new_string": "b"}], "replace_all": true});
    let told = entries(&[call("t1", "MultiEdit", told_by_diffs)]);
    let [Part::Call(call)] = &told[0].parts[..] else {
        panic!()
    };
    assert_eq!((call.edits.len(), call.input[0].name.as_str()), (1, "replace_all"));
}

#[test]
fn a_response_that_says_nothing_keeps_its_tokens() {
    let told = entries(&[
        json!({"type": "assistant", "message": {"id": "m1", "usage": {"output_tokens": 7},
        "content": [{"type": "text", "text": ""}]}}),
    ]);
    let [entry] = &told[..] else { panic!("{told:#?}") };
    assert!(matches!(&entry.speaker, Speaker::Record(kind) if kind.as_str() == "assistant"));
    assert_eq!(entry.response.as_ref().unwrap().tokens.output, 7);
}

#[test]
fn records_and_blocks_beyond_a_limit_are_counted_or_told_as_json() {
    let (_folder, conversation) = opened(r#"{"type":"a"}"#.repeat(5_000));
    let told = page(&conversation, 0);
    let Some(Entry {
        line: 1,
        speaker: Speaker::LeftOut(left_out),
        ..
    }) = told.last()
    else {
        panic!("{:?}", told.last())
    };
    assert!(told.len() < 2_500, "{}", told.len());
    assert_eq!((told.len() - 1) as u64 + left_out, 5_000);
    assert!(conversation.line(1, &mask()).unwrap().unwrap().records.len() < 2_500);
    let blocks = vec![json!({}); 1_000];
    let told = entries(&[
        json!({"type": "user", "message": {"content": blocks}}),
        result("t1", json!(blocks)),
    ]);
    let [record, result] = &told[..] else {
        panic!("{}", told.len())
    };
    assert!(matches!(&record.speaker, Speaker::Record(_)));
    let [Part::Output(output)] = &result.parts[..] else {
        panic!()
    };
    assert!(matches!(&output.parts[..], [Part::Folded(_, _)]));
}

#[test]
fn nothing_is_dropped() {
    let text = [
        r#"{"type":"telepathy","thoughts":["tea"]}"#,
        "no json at all",
        r#"{"type":"user","message":{"content":[]}}"#,
        r#"{"type":"user","message":{"content":"one"}}{"type":"user","message":{"content":"two"}}torn"#,
        r#"{"type":"assistant","message":{"content":[{"type":"redacted_thinking","data":"x"},{"type":"thinking","thinking":""}]}}"#,
        r#"{"type":"progress","data":{"type":"bash_progress","output":"x"}}"#,
        "",
        r#"{"type":"summary","summary":"Tea"}"#,
        r#"{"type":"user","mess"#,
    ];
    let (_folder, conversation) = opened(text.join("\n"));
    let told = page(&conversation, 0);
    let speakers: Vec<_> = told
        .iter()
        .map(|entry| {
            let speaker = match &entry.speaker {
                Speaker::Record(kind) => kind.as_str(),
                Speaker::Person => "person",
                Speaker::Model(None) => "model",
                Speaker::Harness(kind) => kind.as_str(),
                Speaker::Unreadable => "unreadable",
                Speaker::Unfinished => "unfinished",
                other => panic!("{other:?}"),
            };
            (entry.line, speaker)
        })
        .collect();
    let expected = [
        (1, "telepathy"),
        (2, "unreadable"),
        (3, "user"),
        (4, "person"),
        (4, "person"),
        (4, "unreadable"),
        (5, "model"),
        (6, "progress: bash_progress"),
        (8, "title"),
        (9, "unfinished"),
    ];
    assert_eq!(speakers, expected);
    assert!(told.iter().all(|entry| !entry.parts.is_empty()), "{told:#?}");
}

#[test]
fn the_lines_of_subagents_are_theirs() {
    let relayed = json!({"type": "progress", "data": {"agentId": "a1", "message": {"type": "assistant", "message": {"content": "found it"}}}});
    let own = json!({"type": "user", "isSidechain": true, "message": {"content": "go"}});
    let mut answer = result("t1", json!("done"));
    answer["toolUseResult"] = json!({"agentId": "a1"});
    let told = entries(&[call("t1", "Task", json!({"prompt": "go"})), relayed, own, answer]);
    let agents: Vec<_> = told
        .iter()
        .map(|entry| entry.agent.as_ref().map(Masked::as_str))
        .collect();
    assert_eq!(agents, [None, Some("a1"), Some("subagent")]);
    let [Part::Call(call)] = &told[0].parts[..] else {
        panic!()
    };
    assert_eq!(call.agent.as_ref().unwrap().as_str(), "a1");
    for name in ["", "../a", "a/b", "a.b", "ä"] {
        assert_eq!(AgentId::new(name), None);
    }
}

#[test]
fn no_secret_is_in_any_text() {
    let key = key();
    let (pem, body) = private_key();
    let lines: Vec<&str> = pem.split('\n').collect();
    let mut answer = result(
        "t1",
        json!([{"type": "text", "text": format!("KEY={key}")}, {"type": key.clone(), "x": key.clone()}]),
    );
    answer["toolUseResult"] =
        json!({"structuredPatch": [{"lines": lines}, {"lines": [format!("+{key}")]}], "agentId": "a1"});
    answer["toolDenialKind"] = json!(key.clone());
    let mut answer_to_unknown = result("t9", json!(key.clone()));
    answer_to_unknown["toolUseResult"] = json!({"structuredPatch": [{"lines": [format!("-{key}")]}]});
    let edit = json!({"file_path": format!("/home/{key}/a"), "old_string": key.clone(), "new_string": pem.clone(), key.clone(): [{"a": key.clone()}],
        "password": "correct7horse"});
    let told = entries(&[
        json!({"type": "user", "message": {"content": format!("use {key}")}}),
        json!({"type": "user", "isMeta": true, "message": {"content": format!("use {key}")}}),
        json!({"type": "assistant", "agentId": key.clone(), "isSidechain": true, "message": {"model": key.clone(), "content": [
            {"type": "text", "text": format!("`{key}`")}, {"type": "thinking", "thinking": pem.clone()}]}}),
        call("t1", "Edit", edit.clone()),
        answer,
        call("t2", &key, edit),
        answer_to_unknown,
        json!({"type": "system", "subtype": key.clone(), "content": key.clone()}),
        json!({"type": key.clone(), "payload": {"type": key.clone(), "text": key.clone(), "lines": lines}}),
        json!({"type": "summary", "summary": key.clone()}),
        json!(format!("no object {key}")),
    ]);
    let told = everything(&told);
    assert!(told.contains("[redacted: "));
    assert!(!told.contains(&key), "{told}");
    assert!(!told.contains("correct7horse"), "{told}");
    for line in &body {
        assert!(!told.contains(line), "{line} in {told}");
    }
}

#[test]
fn only_the_bytes_of_a_page_and_its_neighbours_are_read() {
    let line = json!({"type": "user", "message": {"content": "tea ".repeat(2_000)}});
    let (_folder, conversation) = opened(format!("{line}\n").repeat(3_000));
    assert!(conversation.size() > 20_000_000);
    let pages = conversation.pages();
    for number in [0, pages.count() / 2, pages.count() - 1] {
        let asked = pages.get(number).unwrap();
        assert!(asked.bytes() < (1 << 20) + 10_000, "{asked:?}");
        let told = page(&conversation, number);
        assert_eq!(told.first().unwrap().line, asked.first_line);
        assert_eq!(told.last().unwrap().line, asked.last_line);
    }
}

#[test]
fn a_long_text_is_cut_and_a_line_shows_all_of_it() {
    let text = "tea ".repeat(100_000);
    let (_folder, conversation) = opened(format!(
        "{{}}\n{}\n",
        json!({"type": "user", "message": {"content": text.clone()}})
    ));
    let told = page(&conversation, 0);
    let [Part::Text(excerpt)] = &told[1].parts[..] else {
        panic!()
    };
    assert_eq!((excerpt.text.as_str().len(), excerpt.left_out), (20_000, 380_000));
    let WholeLine { entries, records } = conversation.line(2, &mask()).unwrap().unwrap();
    let [Part::Text(whole)] = &entries[0].parts[..] else {
        panic!()
    };
    assert_eq!((entries[0].line, whole.text.as_str()), (2, &*text));
    assert!(records[0].text.as_str().contains(&text));
    assert!(conversation.line(3, &mask()).unwrap().is_none());
}

#[test]
fn a_line_that_is_too_long_is_told_of() {
    let long = usize::try_from(LONGEST_LINE).unwrap() + 1;
    let (_folder, conversation) = opened(format!("{{}}\n{}\n{{}}\n", "x".repeat(long)));
    let told = page(&conversation, 1);
    assert_eq!(told, [Entry::too_long(2, LONGEST_LINE + 2)]);
    assert!(conversation.line(2, &mask()).unwrap().unwrap().records.is_empty());
    assert_eq!(page(&conversation, 2)[0].line, 3);
}

#[test]
fn utf_16_is_read_as_the_processors_read_it() {
    let line = json!({"type": "user", "message": {"content": "größer"}});
    let text: Vec<u8> = format!("{{\"a\":1}}\n{line}\n")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let (_folder, conversation) = opened(text);
    let [Part::Text(text)] = &page(&conversation, 0)[1].parts[..] else {
        panic!()
    };
    assert_eq!(text.text.as_str(), "größer");
}

#[test]
fn utf_16_that_is_too_large_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(&path, [0xff, 0xfe, b'{', 0]).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len((64 << 20) + 2).unwrap();
    let opened = Conversation::open(&path, &PageCache::default());
    assert!(matches!(opened, Err(ConversationError::LargeUtf16(_))));
}

#[test]
fn appended_lines_are_found_and_pages_are_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let cache = PageCache::default();
    fs::write(&path, "{}\n".repeat(300)).unwrap();
    let first = Conversation::open(&path, &cache).unwrap();
    let again = Conversation::open(&path, &cache).unwrap();
    assert!(Arc::ptr_eq(&first.pages, &again.pages));
    fs::write(&path, "{}\n".repeat(301)).unwrap();
    let grown = Conversation::open(&path, &cache).unwrap();
    assert_eq!((first.pages().lines(), grown.pages().lines()), (300, 301));
    fs::remove_file(&path).unwrap();
    assert!(Conversation::open(&path, &cache).unwrap_err().is_gone());
}
