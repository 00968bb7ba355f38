//! The arguments of a tool call as text. JSON would hide line breaks and quotes from those who search.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use session_plugin_api::transcript::Json;

/// One line for each value, with its key: `command: ls`. What cannot be read so stays JSON.
pub(crate) fn as_text(arguments: Json<'_>) -> String {
    let mut text = String::new();
    let mut json = serde_json::Deserializer::from_str(arguments.as_str());
    match (Value {
        key: "",
        text: &mut text,
    })
    .deserialize(&mut json)
    {
        Ok(()) => text,
        Err(_) => arguments.as_str().to_owned(),
    }
}

/// A value whose text is added.
struct Value<'t> {
    /// Its key, if it has one. Elements of a list have the key of the list.
    key: &'t str,
    text: &'t mut String,
}

impl Value<'_> {
    fn add<E>(self, value: &str) -> Result<(), E> {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        if !self.key.is_empty() {
            self.text.extend([self.key, ": "]);
        }
        self.text.push_str(value);
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
        let Value { key, text } = self;
        while elements.next_element_seed(Value { key, text: &mut *text })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let text = self.text;
        while let Some(key) = members.next_key::<Cow<'_, str>>()? {
            members.next_value_seed(Value {
                key: &key,
                text: &mut *text,
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
        as_text(serde_json::from_str(json).unwrap())
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
