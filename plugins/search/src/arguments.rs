//! The arguments of a tool call as text. JSON would hide line breaks and quotes from those who search.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use session_plugin_api::transcript::Json;

use crate::masked::LOOKED_AT;

/// The maximum size of the text. It tells that a text is longer than what is looked at, wherever that ends in a letter.
const MOST: usize = LOOKED_AT + 4;

/// The arguments as text.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// One line for each value, with its key: `command: ls`.
    pub(crate) text: String,
    /// How many bytes at its end are left out. The key of a long list is a part of many lines, so the text may be much longer
    /// than the JSON.
    pub(crate) left_out: usize,
}

impl Arguments {
    /// The text of arguments. What cannot be read so stays JSON.
    pub(crate) fn of(arguments: Json<'_>) -> Self {
        let mut read = Self::default();
        let mut json = serde_json::Deserializer::from_str(arguments.as_str());
        let value = Value {
            key: "",
            read: &mut read,
        };
        match value.deserialize(&mut json) {
            Ok(()) => read,
            Err(_) => Self {
                text: arguments.as_str().to_owned(),
                left_out: 0,
            },
        }
    }

    /// Adds to the text, as far as there is room.
    fn push(&mut self, text: &str) {
        // What follows something that is left out is left out too.
        let room = match self.left_out {
            0 => MOST.saturating_sub(self.text.len()),
            _ => 0,
        };
        let (kept, rest) = text.split_at(text.floor_char_boundary(room));
        self.text.push_str(kept);
        self.left_out = self.left_out.saturating_add(rest.len());
    }
}

/// A value whose text is added.
struct Value<'t> {
    /// Its key, if it has one. Elements of a list have the key of the list.
    key: &'t str,
    read: &'t mut Arguments,
}

impl Value<'_> {
    fn add<E>(self, value: &str) -> Result<(), E> {
        if !self.read.text.is_empty() {
            self.read.push("\n");
        }
        if !self.key.is_empty() {
            self.read.push(self.key);
            self.read.push(": ");
        }
        self.read.push(value);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.add(value)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.add(&value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.add(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.add(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.add(&value.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Value { key, read } = self;
        while elements.next_element_seed(Value { key, read: &mut *read })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let read = self.read;
        while let Some(key) = members.next_key::<Cow<'_, str>>()? {
            members.next_value_seed(Value {
                key: &key,
                read: &mut *read,
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(json: &str) -> String {
        Arguments::of(serde_json::from_str(json).unwrap()).text
    }

    #[test]
    fn each_value_has_a_line_with_its_key() {
        let json =
            r#"{"file_path":"/a \"b\"","edits":[{"old":"x\ny","all":true},{"old":"\u00e9"}],"n":[1,-2,0.5,null]}"#;
        let expected = "file_path: /a \"b\"\nold: x\ny\nall: true\nold: é\nn: 1\nn: -2\nn: 0.5";
        assert_eq!(text(json), expected);
        assert_eq!(text("{}"), "");
        assert_eq!(text(r#""plain""#), "plain");
    }

    #[test]
    fn what_has_no_text_stays_json() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for json in [r#"{"a":"\ud83d"}"#, &deep] {
            assert_eq!(text(json), json);
        }
    }

    #[test]
    fn a_text_that_is_much_longer_than_its_json_is_cut_and_counted() {
        let key = "ä".repeat(50_000);
        let json = serde_json::json!({&key: vec![1; 10_000]}).to_string();
        let read = Arguments::of(serde_json::from_str(&json).unwrap());
        assert!(
            read.text.len() <= MOST && read.text.len() > LOOKED_AT,
            "{}",
            read.text.len()
        );
        let line = key.len() + ": 1\n".len();
        assert_eq!(read.text.len() + read.left_out, 10_000 * line - 1);
    }

    proptest! {
        #[test]
        fn every_string_is_in_the_text(strings in prop::collection::vec(".{0,20}", 0..5)) {
            let json = serde_json::json!({"one": strings.clone(), "other": {"deep": strings.clone()}}).to_string();
            let text = text(&json);
            for string in strings {
                prop_assert!(text.contains(&string));
            }
        }
    }
}
