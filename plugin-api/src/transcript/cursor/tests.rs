//! Compares what the cursor passes over with what serde_json accepts.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use serde_json::value::RawValue;

use super::*;

fn members(text: &str) -> Option<Vec<(String, &str)>> {
    let mut members = Vec::new();
    let mut cursor = Cursor::of(text);
    cursor.members(|key, cursor| {
        let key = String::from_utf8_lossy(key).into_owned();
        members.push((key, cursor.value()?));
        Some(())
    })?;
    cursor.end()?;
    Some(members)
}

fn elements(text: &str) -> Option<Vec<&str>> {
    let mut elements = Vec::new();
    let mut cursor = Cursor::of(text);
    cursor.elements(|cursor| cursor.value().map(|element| elements.push(element)))?;
    cursor.end()?;
    Some(elements)
}

#[test]
fn members_are_given_as_they_stand() {
    let text = r#" { "a" : 1 , "b\"c":[ {"d":"}"} , [] ],"e":{"f":{},"g":-0.5E+3}, "h":"\\" } "#;
    let expected = [
        ("a", "1"),
        ("b\"c", r#"[ {"d":"}"} , [] ]"#),
        ("e", r#"{"f":{},"g":-0.5E+3}"#),
        ("h", r#""\\""#),
    ];
    assert_eq!(
        members(text),
        Some(expected.map(|(key, value)| (key.to_owned(), value)).to_vec())
    );
    assert_eq!(members("{}"), Some(vec![]));
}

#[test]
fn elements_are_given_as_they_stand() {
    assert_eq!(
        elements(r#"[1, "a]" ,{"b":[null]}, true]"#),
        Some(vec!["1", "\"a]\"", r#"{"b":[null]}"#, "true"])
    );
    assert_eq!(elements(" [ ] "), Some(vec![]));
    assert_eq!(elements("{}"), None);
}

fn agree(text: &str) -> Result<(), TestCaseError> {
    let listed = serde_json::from_str::<Vec<&RawValue>>(text).ok();
    let listed = listed.map(|values| values.into_iter().map(RawValue::get).collect::<Vec<_>>());
    prop_assert_eq!(elements(text), listed, "{}", text);
    let object = serde_json::from_str::<BTreeMap<String, &RawValue>>(text).is_ok();
    // A key with half of a surrogate pair is no String.
    prop_assert!(!object || members(text).is_some(), "{}", text);
    let skipped = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    prop_assert!(skipped || members(text).is_none(), "{}", text);
    Ok(())
}

/// A piece of a string, so that many of them make up several blocks.
fn piece() -> impl Strategy<Value = String> {
    let faults = ["\\q", "\\u12g4", "\\u", "\u{1}", "\n", "\"", "\\"];
    prop_oneof![
        20 => "[a-zé日 ]{1,40}",
        20 => prop::sample::select(vec!["\\n", "\\\"", "\\/", "\\b\\f\\r\\t", "\\u00e9", "\\uD83D"]).prop_map(str::to_owned),
        5 => (1..140_usize).prop_map(|count| "\\\\".repeat(count)),
        1 => prop::sample::select(faults.to_vec()).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_long_string_ends_where_serde_json_sees_its_end(pieces in vec(piece(), 0..30)) {
        let string = format!("\"{}\"", pieces.concat());
        agree(&format!("[{string}]"))?;
        agree(&format!("[{string},{string}]"))?;
        agree(&format!("{{{string}:1}}"))?;
        agree(&format!("{{\"a\":{string}   ,\"b\":[{{\"c\":{string}}},{string}]}}"))?;
    }

    #[test]
    fn accepts_the_same_texts_as_serde_json(text in "[\\[\\]{}:,\"\\\\/tnu0-9eE.+\\- \naλ\u{1}]{0,24}") {
        agree(&text)?;
        agree(&format!("[{text}]"))?;
        agree(&format!("{{\"a\":{text}}}"))?;
        agree(&format!("[\"{text}\"]"))?;
    }

    #[test]
    fn one_wrong_byte_is_seen_as_serde_json_sees_it(place in 0_usize..80, byte in 0_u8..0x80) {
        let mut text = br#"[{"key":"text \n\u00e9","n":[-1.5e3,0,true,false,null,{}],"o":{"p":""}}, "end"]"#.to_vec();
        if let Some(replaced) = text.get_mut(place) {
            *replaced = byte;
        }
        if let Ok(text) = std::str::from_utf8(&text) {
            agree(text)?;
        }
    }
}
