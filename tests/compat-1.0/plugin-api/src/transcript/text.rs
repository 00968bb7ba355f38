//! Strings that are unescaped only when someone asks for it.

use std::{borrow::Cow, fmt};

use memchr::{memchr, memmem};
use serde::de::{Deserializer, Error, Visitor};

use super::{Json, lenient::Lenient};

/// A JSON string as it stands in the transcript, not yet unescaped.
///
/// ```
/// use session_plugin_api::transcript::Event;
///
/// let event = Event::parse(br#"{"message":{"content":"caf\u00e9 \ud83d"}}"#)?;
/// for text in event.message.content.texts() {
///     assert_eq!(text.as_escaped(), r"caf\u00e9 \ud83d");
///     assert_eq!(text.decode(), "café \u{fffd}");
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    quoted: &'a str,
}

impl<'a> Text<'a> {
    /// The string that `json` is, if it is one.
    pub(super) fn new(json: &'a str) -> Option<Self> {
        json.starts_with('"').then_some(Self { quoted: json })
    }

    /// The text as it was written, without the quotes: a line break is the two characters `\n`.
    #[must_use]
    pub fn as_escaped(self) -> &'a str {
        self.quoted.get(1..self.quoted.len() - 1).unwrap_or_default()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.as_escaped().is_empty()
    }

    /// Whether the text may have these words in it. `false` is certain, and told without unescaping the text.
    ///
    /// ```
    /// use session_plugin_api::transcript::Event;
    ///
    /// let event = Event::parse(br#"{"message":{"content":["one",{"type":"text","text":"say \"hello\""}]}}"#)?;
    /// for text in event.message.content.texts() {
    ///     assert!(text.may_contain("hello") && !text.may_contain("goodbye"));
    /// }
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn may_contain(self, words: &str) -> bool {
        let escaped = self.quoted.as_bytes();
        let is_plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\' | '/') || letter == ' ';
        // A character of these that is not written as itself is written as `\u00` and two digits.
        !words.chars().all(is_plain)
            || memmem::find(escaped, words.as_bytes()).is_some()
            || memmem::find(escaped, br"\u00").is_some()
    }

    /// The text, copied only if something in it is escaped. Half of a surrogate pair, such as `\ud83d` alone, becomes
    /// U+FFFD.
    #[must_use]
    pub fn decode(self) -> Cow<'a, str> {
        if memchr(b'\\', self.quoted.as_bytes()).is_none() {
            return Cow::Borrowed(self.as_escaped());
        }
        let unescaped = serde_json::Deserializer::from_str(self.quoted).deserialize_bytes(Unescaped);
        Cow::Owned(unescaped.unwrap_or_default())
    }
}

impl Default for Text<'_> {
    /// No text.
    fn default() -> Self {
        Self { quoted: "\"\"" }
    }
}

impl<'a> Lenient<'a> for Text<'a> {
    fn from_json(json: Json<'a>) -> Self {
        json.text().unwrap_or_default()
    }
}

/// Takes a string as bytes, for which serde_json promises WTF-8: UTF-8, but for half surrogate pairs in three bytes each.
struct Unescaped;

impl Visitor<'_> for Unescaped {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, wtf8: &[u8]) -> Result<String, E> {
        const LEAD_OF_SURROGATE: u8 = 0xED;
        let mut text = String::with_capacity(wtf8.len());
        for chunk in wtf8.utf8_chunks() {
            text.push_str(chunk.valid());
            if chunk.invalid().first() == Some(&LEAD_OF_SURROGATE) {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Text<'_> {
        Text::new(json).unwrap()
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        assert!(matches!(
            text(r#""grüße, 日本""#).decode(),
            Cow::Borrowed("grüße, 日本")
        ));
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(text(r#""a\"b\\\n\u0041\ud83d\ude00""#).decode(), "a\"b\\\nA😀");
    }

    #[test]
    fn half_a_surrogate_pair_costs_only_itself() {
        assert_eq!(text(r#""a\ud83d""#).decode(), "a\u{fffd}");
        assert_eq!(
            text(r#""\ude00b\ud83d\ud83d\ude00\ud83d\n""#).decode(),
            "\u{fffd}b\u{fffd}😀\u{fffd}\n"
        );
    }

    #[test]
    fn what_a_text_may_contain_is_told_without_unescaping_it() {
        assert!(text(r#""a\n<b>c""#).may_contain("<b>"));
        assert!(text(r#""a\n\u003Cb>c""#).may_contain("<b>"));
        assert!(text(r#""a/b""#).may_contain("a/b") && text(r#""a\/b""#).may_contain("a/b"));
        assert!(text(r#""é""#).may_contain("é") && text(r#""\u00e9""#).may_contain("é"));
        assert!(!text(r#""a\n<c>""#).may_contain("<b>"));
    }

    #[test]
    fn a_quote_at_either_end_belongs_to_the_text() {
        assert_eq!(text(r#""\"quoted\"""#).as_escaped(), r#"\"quoted\""#);
        assert_eq!(text(r#""\"quoted\"""#).decode(), "\"quoted\"");
        assert!(text(r#""""#).is_empty());
    }

    #[test]
    fn only_a_string_is_text() {
        for json in ["null", "1", "[\"a\"]", "{}"] {
            assert_eq!(Text::new(json), None);
        }
    }
}
