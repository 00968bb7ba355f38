//! Plants tokens anywhere in any JSON, with any escapes.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// A JSON text in which some letters are escaped, as `escapes` says.
fn write_json(value: &Value, escapes: &mut impl Iterator<Item = bool>, written: &mut String) {
    match value {
        Value::String(text) => write_string(text, escapes, written),
        Value::Array(elements) => {
            written.push('[');
            for (place, element) in elements.iter().enumerate() {
                written.push_str(if place == 0 { "" } else { " , " });
                write_json(element, escapes, written);
            }
            written.push(']');
        }
        Value::Object(members) => {
            written.push('{');
            for (place, (key, member)) in members.iter().enumerate() {
                written.push_str(if place == 0 { " " } else { "," });
                write_string(key, escapes, written);
                written.push_str(" :");
                write_json(member, escapes, written);
            }
            written.push('}');
        }
        other => written.push_str(&other.to_string()),
    }
}

fn write_string(text: &str, escapes: &mut impl Iterator<Item = bool>, written: &mut String) {
    written.push('"');
    for letter in text.chars() {
        if escapes.next().unwrap_or_default() || letter.is_control() || matches!(letter, '"' | '\\') {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(written, "\\u{unit:04x}").unwrap();
            }
        } else {
            written.push(letter);
        }
    }
    written.push('"');
}

/// JSON around a string that contains a token: as a value, as a key, or within JSON in a string.
fn json_around(token: String) -> impl Strategy<Value = Value> {
    let text = (any::<String>(), any::<String>()).prop_map(move |(before, after)| format!("{before} {token} {after}"));
    let leaf = text.prop_flat_map(|text| {
        prop_oneof![
            Just(json!(text)),
            Just(json!({text.clone(): 1})),
            Just(json!(json!({"a": [text.clone()]}).to_string())),
            Just(json!(json!([{text: null}]).to_string())),
        ]
    });
    leaf.prop_recursive(5, 16, 3, |inner| {
        (inner, any::<String>(), any::<String>()).prop_flat_map(|(inner, key, other)| {
            prop_oneof![
                Just(json!([other.clone(), inner.clone(), 0])),
                Just(json!({key: inner, "other": [other]})),
            ]
        })
    })
}

fn any_token() -> impl Strategy<Value = String> {
    let letters: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    Just(letters)
        .prop_shuffle()
        .prop_map(|letters| token(&letters[..36].iter().collect::<String>()))
}

fn planted() -> impl Strategy<Value = (String, Value)> {
    any_token().prop_flat_map(|token| (Just(token.clone()), json_around(token)))
}

proptest! {
    #[test]
    fn a_planted_token_is_found_however_it_is_escaped_and_nothing_of_it_is_recorded(
        (token, planted) in planted(),
        escapes in prop::collection::vec(any::<bool>(), 1..64),
    ) {
        let mut line = String::new();
        let event = json!({"uuid": token, "message": planted});
        write_json(&event, &mut escapes.iter().copied().cycle(), &mut line);
        prop_assert!(line.len() > 40);
        with_rows(line.as_bytes(), |rows| {
            let found = rows.iter().filter(|row| row.rule_id == "github-pat").count();
            prop_assert_eq!(found, 1, "{}", line);
            let recorded = format!("{rows:?}");
            for part in token.as_bytes().windows(6) {
                let part = std::str::from_utf8(part).unwrap();
                prop_assert!(!recorded.contains(part), "{} in {}", part, recorded);
            }
            Ok(())
        })?;
    }

    #[test]
    fn arbitrary_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        paths(&bytes);
    }

    #[test]
    fn arbitrary_text_around_keywords_is_no_panic(text in "(key|token|secret|pwd|://|[a-z0-9@:/= \n\"'é]){0,40}") {
        paths(&lines(&[said(&text)]));
    }
}
