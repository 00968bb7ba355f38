//! JSON that stays as written in the transcript until it is needed.

use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Text, cursor::Cursor};

/// Any JSON value as written in the transcript, unparsed.
///
/// ```
/// use session_plugin_api::transcript::{Block, Event};
///
/// let line = br#"{"type":"assistant","message":{"content":[
///     {"type":"tool_use","id":"t1","name":"Skill","input":{"skill":"brew:tea","cups":2}}]}}"#;
/// let event = Event::parse(&line[..])?;
/// for block in event.message.content.blocks() {
///     if let Block::ToolUse(call) = block {
///         assert_eq!(call.input.get("skill").and_then(|skill| skill.text()).unwrap().decode(), "brew:tea");
///         assert_eq!(call.input.get("cups").unwrap().parse::<u8>()?, 2);
///     }
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// Wraps a text that is known to be JSON.
    pub(super) fn from_valid(json: &'a str) -> Self {
        Self(json)
    }

    /// The value as written, with its quotes, braces and escapes.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether the value is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Parses the value as any serde type, which may borrow from the transcript.
    ///
    /// # Errors
    /// Fails if the value is not of this type.
    pub fn parse<T: Deserialize<'a>>(self) -> serde_json::Result<T> {
        serde_json::from_str(self.0)
    }

    /// The value as a string; `None` if it is not one.
    #[must_use]
    pub fn text(self) -> Option<Text<'a>> {
        Text::new(self.0)
    }

    /// The value of a key; the last one if the key is repeated. `None` if the key is absent or this is not an object.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Json<'a>> {
        let mut found = None;
        // The text is known to be JSON, so the only failure is that it is not an object.
        let _ = self.cursor().members(|member, cursor| {
            let value = cursor.value()?;
            if member == key.as_bytes() {
                found = Some(Json(value));
            }
            Some(())
        });
        found
    }

    /// The elements of a list; empty if this is not a list.
    #[must_use]
    pub fn elements(self) -> Vec<Json<'a>> {
        self.read_elements(|cursor| cursor.value().map(Json))
    }

    /// What `read` makes of each element of a list; empty if this is not a list. `read` must pass over the element.
    pub(super) fn read_elements<T>(self, read: impl Fn(&mut Cursor<'a>) -> Option<T>) -> Vec<T> {
        let mut elements = Vec::new();
        let list = self.cursor().elements(|cursor| {
            elements.push(read(cursor)?);
            Some(())
        });
        match list {
            Some(()) => elements,
            None => Vec::new(),
        }
    }

    /// The beginning of the value.
    pub(super) fn cursor(self) -> Cursor<'a> {
        Cursor::of(self.0)
    }
}

impl Default for Json<'_> {
    /// `null`.
    fn default() -> Self {
        Self("null")
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    /// Takes any value, from JSON that outlives the `Json`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_last_of_repeated_keys_counts() {
        assert_eq!(json(r#"{"a":1,"b":2,"a":"x"}"#).get("a"), Some(json(r#""x""#)));
    }

    #[test]
    fn keys_are_compared_unescaped() {
        let object = json(r#"{"\ud83d":1,"\u0061":2}"#);
        assert_eq!(object.get("a"), Some(json("2")));
        assert_eq!(object.get("b"), None);
    }

    #[test]
    fn a_value_that_is_not_an_object_has_no_members() {
        for text in ["null", "7", "\"a\"", "[{\"a\":1}]"] {
            assert_eq!(json(text).get("a"), None, "{text}");
        }
    }

    #[test]
    fn elements_keep_what_they_are() {
        assert_eq!(
            json(r#"[1e999, "\ud83d", []]"#).elements(),
            [json("1e999"), json(r#""\ud83d""#), json("[]")]
        );
        assert_eq!(json("{}").elements(), []);
    }

    #[test]
    fn a_value_is_read_as_a_type_that_borrows() {
        assert_eq!(json(r#"["a","b"]"#).parse::<Vec<&str>>().unwrap(), ["a", "b"]);
        assert!(json("-1").parse::<u8>().is_err());
        assert!(Json::default().is_null());
    }
}
