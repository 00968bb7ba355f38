//! Walks over all strings of a JSON text without parsing it into values.

use std::{borrow::Cow, ops::Range};

use memchr::memchr2;
use session_plugin_api::transcript::{unescape, unescape_into};

/// An object or list around a place in a JSON text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enclosure<'a> {
    /// An object, with the key of the place: the place is the key or its value. `None` before the first key.
    Object(Option<Escaped<'a>>),
    /// A list.
    List {
        /// The index of the place in the list, from 0.
        position: usize,
        /// The key whose value is the list, or the outermost of nested lists.
        key: Option<Escaped<'a>>,
    },
}

/// The role of a string in the object or list that contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A key of the innermost object.
    Key,
    /// A value.
    Value,
}

/// A string of a JSON text as written, without its quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Escaped<'a>(&'a str);

/// The position of a string in a JSON text.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The objects and lists around it, the outermost first.
    pub(crate) enclosures: &'a [Enclosure<'a>],
    /// Its role in the innermost of these.
    pub(crate) role: Role,
}

impl<'a> Place<'a> {
    /// The key whose value, or whose list of values, contains the string, unless the key has more than `at_most` bytes.
    pub(crate) fn key(self, at_most: usize) -> Option<Cow<'a, str>> {
        let key = self.enclosures.last().filter(|_| self.role == Role::Value)?.key();
        key?.decode_short(at_most)
    }

    /// Whether only lists enclose the string.
    pub(crate) fn is_in_lists_alone(self) -> bool {
        // Strings in an object have a key.
        matches!(self.enclosures.last(), Some(Enclosure::List { key: None, .. }))
    }
}

impl<'a> Enclosure<'a> {
    /// The key of a value in it.
    fn key(&self) -> Option<Escaped<'a>> {
        match self {
            Self::Object(key) | Self::List { key, .. } => *key,
        }
    }
}

/// Passes every string of a valid JSON text to `take`, keys included, in the order of the text: the position, and the
/// string.
///
/// If the text is not JSON, some strings may be skipped.
pub(crate) fn for_each_string<'a>(json: &'a str, mut take: impl FnMut(Place<'_>, Escaped<'a>)) {
    let mut enclosures: Vec<Enclosure<'a>> = Vec::new();
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' => enclosures.push(Enclosure::Object(None)),
            b'[' => enclosures.push(Enclosure::List {
                position: 0,
                key: enclosures.last().and_then(Enclosure::key),
            }),
            b'}' | b']' => drop(enclosures.pop()),
            b',' => match enclosures.last_mut() {
                Some(Enclosure::Object(key)) => *key = None,
                Some(Enclosure::List { position, .. }) => *position += 1,
                None => {}
            },
            b'"' => {
                let Some(length) = string_length(&bytes[at..]) else {
                    return;
                };
                let string = Escaped(json.get(at..at + length).unwrap_or_default());
                at += length + 1;
                let role = match enclosures.last_mut() {
                    Some(Enclosure::Object(key @ None)) => {
                        *key = Some(string);
                        Role::Key
                    }
                    _ => Role::Value,
                };
                let place = Place {
                    enclosures: &enclosures,
                    role,
                };
                take(place, string);
            }
            _ => {}
        }
    }
}

/// The number of bytes before the closing quote of a string.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

impl<'a> Escaped<'a> {
    /// The position in the text that contains the string.
    pub(crate) fn range_in(self, json: &'a str) -> Range<usize> {
        let start = self.0.as_ptr().addr() - json.as_ptr().addr();
        start..start + self.0.len()
    }

    /// Whether the string is `text`, written without escapes.
    pub(crate) fn is(self, text: &str) -> bool {
        self.0 == text
    }

    /// The unescaped string. `buffer` holds it if anything was escaped. Half a surrogate pair becomes U+FFFD.
    pub(crate) fn decode_into<'b>(self, buffer: &'b mut String) -> &'b str
    where
        'a: 'b,
    {
        unescape_into(self.0, buffer)
    }

    /// The unescaped string, unless it has more than `at_most` bytes.
    pub(crate) fn decode_short(self, at_most: usize) -> Option<Cow<'a, str>> {
        /// `\u0041` is one byte.
        const LONGEST_ESCAPE: usize = 6;
        let may_be_short = self.0.len() <= at_most.saturating_mul(LONGEST_ESCAPE);
        may_be_short
            .then(|| self.decode())
            .filter(|decoded| decoded.len() <= at_most)
    }

    /// The unescaped string.
    pub(crate) fn decode(self) -> Cow<'a, str> {
        unescape(self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn strings(json: &str) -> Vec<(String, Role, String)> {
        let mut found = Vec::new();
        for_each_string(json, |Place { enclosures, role }, string| {
            let place: Vec<_> = enclosures
                .iter()
                .map(|enclosure| match enclosure {
                    Enclosure::Object(key) => key.map(|key| key.decode().into_owned()).unwrap_or_default(),
                    Enclosure::List { position, .. } => position.to_string(),
                })
                .collect();
            found.push((place.join("/"), role, string.decode().into_owned()));
        });
        found
    }

    fn found(place: &str, role: Role, string: &str) -> (String, Role, String) {
        (place.to_owned(), role, string.to_owned())
    }

    #[test]
    fn keys_and_values_are_found_where_they_stand() {
        let json = r#" {"a": ["x", 1, {"b\n": "y\"]"}, [], "z"], "c": {}, "d": null, "e": "{,}"} "#;
        let expected = [
            found("a", Role::Key, "a"),
            found("a/0", Role::Value, "x"),
            found("a/2/b\n", Role::Key, "b\n"),
            found("a/2/b\n", Role::Value, "y\"]"),
            found("a/4", Role::Value, "z"),
            found("c", Role::Key, "c"),
            found("d", Role::Key, "d"),
            found("e", Role::Key, "e"),
            found("e", Role::Value, "{,}"),
        ];
        assert_eq!(strings(json), expected);
        assert_eq!(strings(r#""alone""#), [found("", Role::Value, "alone")]);
    }

    #[test]
    fn a_value_goes_by_the_key_before_the_lists_that_it_stands_in() {
        let mut keys = Vec::new();
        let nested = format!("{}\"deep\"{}", "[".repeat(100), "]".repeat(100));
        let json = format!(r#"{{"a": {nested}, "b\u0062": [{{}}, "y", {{"c": "z"}}], "longer": "w"}}"#);
        for_each_string(&json, |place, string| {
            keys.push((
                string.decode().into_owned(),
                place.key(5).unwrap_or_default().into_owned(),
            ));
        });
        let expected = [
            ("a", ""),
            ("deep", "a"),
            ("bb", ""),
            ("y", "bb"),
            ("c", ""),
            ("z", "c"),
            ("longer", ""),
            ("w", ""),
        ];
        assert_eq!(keys, expected.map(|(string, key)| (string.to_owned(), key.to_owned())));
    }

    #[test]
    fn half_a_surrogate_pair_costs_only_itself() {
        let decoded = |escaped| Escaped(escaped).decode().into_owned();
        assert_eq!(decoded(r"\ud83d\ude00!"), "😀!");
        assert_eq!(decoded(r"\ud83d!"), "\u{fffd}!");
        assert_eq!(decoded(r"\ud83d\u0041\ude00"), "\u{fffd}A\u{fffd}");
        assert_eq!(decoded(r"\ud83d\ud83d\ude00"), "\u{fffd}😀");
    }

    #[test]
    fn text_that_is_not_json_causes_no_panic() {
        for text in ["", "\"", "\"\\", "}]}", "{\"a", ",,\"", "[\"\\u12", "{\"a\":\"b\\\""] {
            strings(text);
        }
        for escaped in ["\\", "\\u", "\\u12", "\\uzzzz", "\\ud83d\\u", "\\é", "\\u12é4"] {
            Escaped(escaped).decode();
        }
    }

    fn all_strings(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::String(string) => into.push(string.clone()),
            Value::Array(elements) => elements.iter().for_each(|element| all_strings(element, into)),
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                into.push(key.clone());
                all_strings(value, into);
            }),
            _ => {}
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_string_is_found_as_serde_json_reads_it(value in any_json()) {
            let mut expected = Vec::new();
            all_strings(&value, &mut expected);
            for json in [value.to_string(), format!("{value:#}")] {
                let found: Vec<_> = strings(&json).into_iter().map(|(_, _, string)| string).collect();
                prop_assert_eq!(&found, &expected);
            }
        }

        #[test]
        fn arbitrary_text_is_no_panic(text in any::<String>()) {
            strings(&text);
            Escaped(&text).decode();
        }
    }
}
