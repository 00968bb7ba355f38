//! Tests transcripts with spliced lines.

use proptest::{collection::vec, prelude::*};
use serde::Deserialize;
use serde_json::json;

use crate::{Line, LineEnding, Session, Timestamp, abi::message::Reading, transcript::EventKind};

fn session(transcript: &[u8]) -> Session<'_> {
    Session::from_bytes("alice/a.jsonl", "alice", Timestamp::from_micros(0), transcript)
}

/// The `uuid`s of the records, `-` for a record without one, and the other pieces in `<>`.
fn read(transcript: &[u8]) -> Vec<String> {
    let session = session(transcript);
    let read = session.events().map(|event| match event {
        Ok(event) => event.uuid.as_deref().unwrap_or("-").to_owned(),
        Err(malformed) => format!("<{}>", String::from_utf8_lossy(malformed.bytes)),
    });
    read.collect()
}

fn reading(transcript: &[u8]) -> Reading {
    let session = session(transcript);
    assert_eq!(session.reading(), None);
    session.events().for_each(drop);
    session.reading().unwrap()
}

const U1: &str = r#"{"type":"user","uuid":"u1","sessionId":"s1","message":{"content":"{\"a\":1}"}}"#;
const U2: &str = r#"{"type":"user","uuid":"u2","sessionId":"s1","message":{"content":[{"type":"text"}]}}"#;

#[test]
fn records_without_a_line_break_between_them_are_read() {
    assert_eq!(
        read(format!("{U1}{U2}\n{U2}\t{U1}\n").as_bytes()),
        ["u1", "u2", "u2", "u1"]
    );
    assert_eq!(read(br#"{"uuid":"a"}{"uuid":"b"}"#), ["a", "b"]);
}

#[test]
fn a_record_behind_a_torn_one_is_read() {
    for torn in [
        r#"{"type":"pr-link","sessionId":"s1","prNu"#,
        r#"{"type":"user","cwd":"#,
        r#"{"type":"user","cwd":"C:\"#,
        r#"{"message":{"content":["#,
        r#"{"message":{"id":"m1"}"#,
        "{",
        "{\"",
    ] {
        let expected = [format!("<{torn}>"), "u1".to_owned(), "u2".to_owned()];
        assert_eq!(read(format!("{torn}{U1}{U2}\n").as_bytes()), expected, "{torn}");
    }
}

#[test]
fn text_after_a_record_is_separated_from_it() {
    assert_eq!(
        read(format!("{U1}{{\"type\":\"us\n").as_bytes()),
        ["u1", "<{\"type\":\"us>"]
    );
    assert_eq!(
        read(format!("x\"}}}}{U1} [1]\n").as_bytes()),
        ["<x\"}}>", "u1", "<[1]>"]
    );
}

#[test]
fn zeros_before_within_and_behind_a_record_cost_nothing_else() {
    let zeros = "\0".repeat(3);
    let told = format!("<{zeros}>");
    assert_eq!(read(format!("{zeros}{U1}\n").as_bytes()), [&told, "u1"]);
    assert_eq!(read(format!("{U1}{zeros}\n{U2}\n").as_bytes()), ["u1", &told, "u2"]);
    let torn = format!("{{\"type\":\"us{zeros}");
    assert_eq!(
        read(format!("{torn}{U1}\n").as_bytes()),
        [format!("<{torn}>"), "u1".to_owned()]
    );
    assert_eq!(read(b"\0{\"uuid\":\"a\"}\n")[1], "a");
}

#[test]
fn an_object_in_a_torn_record_is_not_a_record() {
    for torn in [
        r#"{"type":"assistant","message":{"id":"m1","type":"message","usage":{}}"#,
        r#"{"type":"progress","data":{"message":{"type":"user","uuid":"u9","message":{"content":"x"}}"#,
        r#"{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}"#,
        r#"lost"},{"type":"text","text":"a"}],"uuid":"u9"}"#,
    ] {
        assert_eq!(
            read(format!("{torn}\n{U1}\n").as_bytes()),
            [format!("<{torn}>"), "u1".to_owned()]
        );
    }
}

#[test]
fn a_record_that_was_cut_within_a_character_costs_nothing_else() {
    let spliced = [b"{\"cwd\":\"caf\xc3", U1.as_bytes()].concat();
    assert_eq!(read(&spliced), ["<{\"cwd\":\"caf\u{fffd}>", "u1"]);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(
        read(format!("\u{feff}{U1}\n\u{feff}{U2}\n\u{feff}").as_bytes()),
        ["u1", "u2"]
    );
}

#[test]
fn lines_and_types_are_read_from_spliced_lines_too() {
    #[derive(Deserialize)]
    struct Identified {
        uuid: String,
    }
    let transcript = format!("{U1}{U2}\n[1]\n{{torn");
    let session = session(transcript.as_bytes());
    let line = |number, bytes, ending| Line { number, bytes, ending };
    let expected = [
        line(1, U1.as_bytes(), LineEnding::Complete),
        line(1, U2.as_bytes(), LineEnding::Complete),
        line(2, b"[1]", LineEnding::Complete),
        line(3, b"{torn", LineEnding::EndOfFile),
    ];
    assert_eq!(session.lines().collect::<Vec<_>>(), expected);
    let identified = session.events_as::<Identified>().flatten();
    assert_eq!(identified.map(|line| line.uuid).collect::<Vec<_>>(), ["u1", "u2"]);
}

#[test]
fn a_record_of_another_type_is_whole() {
    let transcript = format!("{U1}\n");
    let session = session(transcript.as_bytes());
    let errors: Vec<_> = session
        .events_as::<u64>()
        .map(|number| number.unwrap_err().bytes)
        .collect();
    assert_eq!(errors, [U1.as_bytes()]);
    assert_eq!(session.reading().unwrap().unreadable_lines, 0);
}

#[test]
fn unreadable_lines_are_counted_once() {
    let transcript = format!("{U1}\nx{U1}y\n\n\0\n{U2}\n{{\"z");
    let session = session(transcript.as_bytes());
    session.events().for_each(drop);
    session.lines().for_each(drop);
    let expected = Reading {
        is_known: true,
        unreadable_lines: 2,
        first_unreadable: vec![2, 4],
    };
    assert_eq!(session.reading(), Some(expected));
    assert_eq!(reading("x\n".repeat(9).as_bytes()).first_unreadable, [1, 2, 3, 4, 5]);
}

#[test]
fn the_end_of_a_live_file_is_no_fault() {
    for transcript in [&b"{\"type\":\"us"[..], b"", b"\n\n", b"\xef\xbb\xbf"] {
        let expected = Reading {
            is_known: true,
            ..Reading::default()
        };
        assert_eq!(reading(transcript), expected);
    }
    assert_eq!(reading(format!("{{\"torn{U1}").as_bytes()).unreadable_lines, 1);
}

#[test]
fn text_that_begins_no_record_is_a_fault_even_at_the_end() {
    for transcript in [&b"hello"[..], b"{}\0\0", b"\0\0\0\0"] {
        assert_eq!(reading(transcript).unreadable_lines, 1, "{transcript:?}");
    }
}

#[test]
fn a_transcript_is_known_by_one_record() {
    assert!(!reading(b"{\"timestamp\":\"2026-03-01\",\"type\":\"event_msg\"}\n{}\n").is_known);
    assert!(!reading(b"hello\n").is_known);
    assert!(reading(b"{}\nhello\n{\"type\":\"user\"}\n").is_known);
    let foreign = session(b"{\"n\":1}\n");
    foreign.events_as::<serde_json::Value>().for_each(drop);
    assert!(foreign.reading().unwrap().is_known);
}

#[test]
fn hostile_lines_end() {
    let repeated = |text: &str, bytes: usize| text.repeat(bytes / text.len());
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for line in [
        repeated("{", 1 << 20),
        repeated("{\"a\":", 1 << 20),
        repeated("{\"a\":[", 1 << 20),
        repeated("{\"a\":{}", 1 << 20),
        repeated("{\"", 1 << 20),
        repeated("{ ", 1 << 20),
        repeated("{\"a\0", 1 << 20),
        repeated("\"{\\\"", 1 << 20),
        format!("{{\"a\":\"{}", repeated("{\\\"", 1 << 20)),
        format!("{{\"a\":[{}", repeated("{},", 1 << 20)),
        format!("{{\"b\":{}", nested(1 << 17)),
        format!("x{}", repeated("{\"\u{e9}\":1}", 1 << 20)),
        format!("{}{}", "\0".repeat(1 << 17), repeated("{\"a\":1,}", 1 << 17)),
        nested(1 << 17) + &repeated("{\"a\":1}}", 1 << 20),
    ] {
        let line = line.as_bytes();
        let beginning = String::from_utf8_lossy(&line[..20]).into_owned();
        let given: usize = session(line).lines().map(|piece| piece.bytes.len()).sum();
        assert!(given > line.len() / 2, "{beginning}");
    }
}

const KINDS: [EventKind; 10] = [
    EventKind::User,
    EventKind::Assistant,
    EventKind::System,
    EventKind::Summary,
    EventKind::Attachment,
    EventKind::Progress,
    EventKind::FileHistorySnapshot,
    EventKind::QueueOperation,
    EventKind::ToolUseResult,
    EventKind::Other,
];

/// Reads the events of these kinds twice: by name, and from all events. Both must be the same in every respect.
fn agree_on_kinds(transcript: &[u8], kinds: &[EventKind]) -> Result<(), TestCaseError> {
    let (all, some) = (session(transcript), session(transcript));
    let events = all.events();
    let expected =
        events.filter(|event| event.as_ref().is_ok_and(|event| kinds.contains(&event.kind)) || event.is_err());
    let expected: Vec<String> = expected.map(|event| format!("{event:?}")).collect();
    let told: Vec<String> = some.events_of(kinds).map(|event| format!("{event:?}")).collect();
    prop_assert_eq!(told, expected);
    prop_assert_eq!(some.reading(), all.reading());
    Ok(())
}

#[test]
fn the_last_type_decides_wherever_it_stands() {
    let transcript = concat!(
        r#"{"uuid":"a","type":"progress","cwd":"/b","type":"user","message":{"content":"c"}}"#,
        "\n",
        r#"{"type":"user","uuid":"d","type":"progress"}{"message":{"id":"e"},"type":"user"}"#,
        "\n",
        r#"{"t\u0079pe":"us\u0065r","uuid":"f"}"#,
        "\n",
        r#"{"uuid":"g","type":5}"#,
    );
    let session = session(transcript.as_bytes());
    let users: Vec<_> = session.events_of(&[EventKind::User]).flatten().collect();
    assert_eq!(users.iter().map(|event| event.line).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        (users[0].uuid.as_deref(), users[0].cwd.as_deref()),
        (Some("a"), Some("/b"))
    );
    for kind in KINDS {
        agree_on_kinds(transcript.as_bytes(), &[kind]).unwrap();
    }
}

/// A complete record in any form that agents write.
fn record() -> impl Strategy<Value = String> {
    let text = prop_oneof![any::<String>(), "[{}\\[\\]\",:\\\\a ]{0,12}", Just(U1.to_owned())];
    (text, 0..5_u8, any::<u32>()).prop_map(|(text, shape, number)| {
        let uuid = number.to_string();
        let value = match shape {
            0 => json!({"parentUuid": null, "sessionId": "s1", "type": "user", "uuid": uuid, "message": {"content": text}}),
            1 => json!({"type": "assistant", "sessionId": "s1", "uuid": uuid, "message":
                        {"id": "m1", "type": "message", "content": [{"type": "text", "text": text}, {"n": [1, {}]}]}}),
            2 => json!({"type": "progress", "sessionId": "s1", "uuid": uuid,
                        "data": {"message": {"type": "user", "uuid": "nested", "message": {"content": text}}, "n": 1.5}}),
            3 => json!({"type": "summary", "summary": text, "uuid": uuid}),
            _ => json!({"type": "last-prompt", "lastPrompt": text, "sessionId": "s1", "uuid": uuid, format!("x{text}"): true}),
        };
        value.to_string()
    })
}

/// The value of a `type`.
fn any_kind() -> impl Strategy<Value = &'static str> {
    let values = [
        "\"user\"",
        "\"assistant\"",
        "\"system\"",
        "\"summary\"",
        "\"attachment\"",
        "\"progress\"",
        "\"telepathy\"",
        "\"tool_use_result\"",
        "\"queue-operation\"",
        "\"file-history-snapshot\"",
        "\"us\\u0065r\"",
        "7",
        "null",
        "[\"user\"]",
    ];
    prop::sample::select(values.to_vec())
}

/// Text that may precede a record in a spliced line.
fn joint() -> impl Strategy<Value = Vec<u8>> {
    let torn = (record(), any::<prop::sample::Index>()).prop_map(|(record, cut)| {
        let cut = 1 + cut.index(record.len() - 1);
        record.as_bytes()[..cut].to_vec()
    });
    prop_oneof![
        Just(b"\n".to_vec()),
        Just(Vec::new()),
        Just(b" ".to_vec()),
        (1..9_usize).prop_map(|count| vec![0; count]),
        torn,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn every_whole_record_is_given_back(spliced in vec((vec(joint(), 0..3), record()), 0..6)) {
        let mut transcript = Vec::new();
        let mut expected = Vec::new();
        for (joints, record) in &spliced {
            transcript.extend(joints.concat());
            transcript.extend(record.as_bytes());
            expected.push(record.as_bytes());
        }
        let session = session(&transcript);
        let records: Vec<&[u8]> = session.events().flatten().map(|event| event.raw.as_str().as_bytes()).collect();
        prop_assert_eq!(records, expected);
    }

    #[test]
    fn events_of_some_kinds_are_the_events_of_these_kinds(
        tokens in vec(prop_oneof![
            4 => (joint(), record()).prop_map(|(joint, record)| [joint, record.into_bytes()].concat()),
            2 => (any_kind(), any_kind(), record()).prop_map(|(first, last, record)| {
                format!("{{\"type\":{first},\"record\":{record},\"type\":{last},\"uuid\":\"u\"}}").into_bytes()
            }),
            2 => Just(b"\n".to_vec()),
            1 => vec(any::<u8>(), 1..3),
        ], 0..12),
        kinds in prop::sample::subsequence(KINDS.to_vec(), 0..=KINDS.len()),
    ) {
        agree_on_kinds(&tokens.concat(), &kinds)?;
    }

    #[test]
    fn all_content_is_returned_once_and_in_order(
        tokens in vec(prop_oneof![
            "[{}\\[\\]\",:\\\\a0 \n\0]{1,3}".prop_map(String::into_bytes),
            record().prop_map(String::into_bytes),
            vec(any::<u8>(), 1..3),
        ], 0..12)
    ) {
        let transcript = tokens.concat();
        let session = session(&transcript);
        let mut rest = &transcript[..];
        for line in session.lines() {
            let place = rest.windows(line.bytes.len()).position(|window| window == line.bytes);
            let place = place.ok_or(TestCaseError::fail("not in the rest"))?;
            prop_assert!(rest[..place].trim_ascii().is_empty() || rest[..place].trim_ascii() == b"\xef\xbb\xbf");
            rest = &rest[place + line.bytes.len()..];
        }
        prop_assert!(rest.trim_ascii().is_empty() || rest.trim_ascii() == b"\xef\xbb\xbf");
        let kinds = session.events().flatten().map(|event| event.kind);
        prop_assert!(kinds.filter(|kind| *kind == EventKind::System).count() == 0);
    }
}
