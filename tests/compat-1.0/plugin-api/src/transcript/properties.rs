//! What holds for any line at all.

use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

use super::{Block, Content, Event};

/// Reads all there is to read.
fn read_all(event: &Event<'_>) {
    let _ = (event.timestamp(), event.typed(), event.message.usage.advisors());
    if let Some(relayed) = event.relayed() {
        read_all(&relayed);
    }
    let mut contents = vec![event.content, event.message.content];
    while let Some(content) = contents.pop() {
        for block in content.blocks() {
            match block {
                Block::Text(text) | Block::Thinking(text) => drop(text.decode()),
                Block::ToolUse(call) => drop(call.input.get("skill")),
                Block::ToolResult(result) => contents.push(result.content),
                Block::Other => {}
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((known_key(), inner), 0..6).prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// A key that means something in some place of a transcript.
fn known_key() -> impl Strategy<Value = String> {
    let keys = [
        "type",
        "uuid",
        "sessionId",
        "timestamp",
        "isSidechain",
        "message",
        "content",
        "error",
        "toolUseResult",
        "origin",
        "attachment",
        "data",
        "iterations",
        "id",
        "model",
        "usage",
        "input_tokens",
        "cache_creation",
        "text",
        "thinking",
        "name",
        "input",
        "tool_use_id",
        "is_error",
    ];
    prop::sample::select(keys.map(String::from).to_vec())
}

/// A line as it is usually written.
fn usual_line() -> Value {
    json!({
        "type": "assistant", "uuid": "u1", "sessionId": "s1", "timestamp": "2026-03-01T09:15:00Z", "cwd": "/home",
        "isSidechain": false, "requestId": "r1",
        "message": {
            "id": "m1", "role": "assistant", "model": "claude",
            "usage": {"input_tokens": 1, "output_tokens": 2, "cache_creation": {"ephemeral_5m_input_tokens": 3}},
            "content": [{"type": "tool_use", "id": "t1", "name": "Skill", "input": {"skill": "tea"}}],
        },
    })
}

fn every_place_of_the_usual_line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &[
            "/type",
            "/uuid",
            "/sessionId",
            "/timestamp",
            "/cwd",
            "/isSidechain",
            "/requestId",
            "/message",
            "/message/id",
            "/message/role",
            "/message/model",
            "/message/usage",
            "/message/usage/input_tokens",
            "/message/usage/cache_creation",
            "/message/usage/cache_creation/ephemeral_5m_input_tokens",
            "/message/content",
            "/message/content/0",
            "/message/content/0/type",
            "/message/content/0/id",
            "/message/content/0/input",
        ][..],
    )
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(line in vec(any::<u8>(), 0..200)) {
        if let Ok(event) = Event::parse(&line) {
            read_all(&event);
        }
    }

    #[test]
    fn a_torn_line_never_panics(cut in 0..400_usize) {
        let line = usual_line().to_string();
        let torn = &line.as_bytes()[..cut.min(line.len() - 1)];
        prop_assert!(Event::parse(torn).is_err());
    }

    #[test]
    fn any_object_is_a_line(members in vec((known_key(), any_json()), 0..8)) {
        let line = Value::Object(Map::from_iter(members)).to_string();
        let event = Event::parse(line.as_bytes());
        prop_assert!(event.is_ok(), "{event:?}");
        read_all(&event?);
    }

    #[test]
    fn a_strange_value_costs_only_its_field(place in every_place_of_the_usual_line(), strange in any_json()) {
        let mut line = usual_line();
        *line.pointer_mut(place).ok_or(TestCaseError::fail("no such place"))? = strange;
        let line = line.to_string();
        let event = Event::parse(line.as_bytes())?;
        read_all(&event);
        if place != "/uuid" {
            prop_assert_eq!(event.uuid.as_deref(), Some("u1"));
        }
        if !place.starts_with("/message/usage") && place != "/message" {
            prop_assert_eq!(event.message.usage.output_tokens, 2);
        }
        if !place.starts_with("/message/content") && place != "/message" {
            prop_assert!(matches!(event.message.content, Content::Blocks(_)));
        }
    }

    #[test]
    fn text_is_what_serde_json_makes_of_it(text in any::<String>()) {
        let line = json!({"message": {"content": text.clone()}}).to_string();
        let event = Event::parse(line.as_bytes())?;
        let decoded: Vec<_> = event.message.content.texts().map(|text| text.decode()).collect();
        prop_assert_eq!(decoded, [text]);
    }

    #[test]
    fn escapes_of_any_code_unit_are_read(units in r#"(\\u[0-9a-f]{4}|\\[nrt"\\/]|[a-z])*"#) {
        let line = format!(r#"{{"{units}":1,"cwd":"{units}","uuid":"u1"}}"#);
        let event = Event::parse(line.as_bytes())?;
        prop_assert_eq!(event.uuid.as_deref(), Some("u1"));
        if let Ok(valid) = serde_json::from_str::<String>(&format!("\"{units}\"")) {
            prop_assert_eq!(event.cwd.as_deref(), Some(valid.as_str()));
        }
    }
}
