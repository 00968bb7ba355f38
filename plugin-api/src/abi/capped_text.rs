//! Long texts are cut at the ABI boundary, such as the message of an error: the beginning is kept, and the full length.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

/// How much of a message is kept, in bytes.
const KEPT: usize = 16 << 10;

/// How much of a place is kept, in bytes.
pub(super) const KEPT_OF_A_PLACE: usize = 256;

/// How much longer than `KEPT` a message may be before it is cut. A cut message may therefore gain a prefix without a second
/// cut.
const LEEWAY: usize = 1 << 10;

/// A message as it is stored: the text, or the beginning of a long text and its full length.
#[must_use]
pub fn capped(message: impl AsRef<[u8]>) -> String {
    beginning(message.as_ref(), KEPT, LEEWAY)
}

fn beginning(text: &[u8], kept: usize, leeway: usize) -> String {
    let length = text.len();
    if length <= kept + leeway {
        return String::from_utf8_lossy(text).into_owned();
    }
    let is_boundary = |place: &usize| text[*place] & 0b1100_0000 != 0b1000_0000;
    let end = (0..=kept).rev().find(is_boundary).unwrap_or(kept);
    format!("{}... ({length} bytes in all)", String::from_utf8_lossy(&text[..end]))
}

struct Capped;

impl Visitor<'_> for Capped {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(capped(text))
    }
}

pub(super) fn read_capped<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_str(Capped)
}

pub(super) fn read_place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let place = Option::<Cow<'de, str>>::deserialize(deserializer)?;
    Ok(place.map(|place| beginning(place.as_bytes(), KEPT_OF_A_PLACE, 0)))
}

pub(super) fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "read_capped")] String);
    Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(text)| text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_message_the_beginning_is_kept_once() {
        assert_eq!(capped("short"), "short");
        assert_eq!(capped(b"gr\xfc\xdf"), "gr\u{fffd}\u{fffd}");
        let long = capped("\u{e9}".repeat(1_000_000));
        assert!(long.ends_with("\u{e9}... (2000000 bytes in all)"), "{}", long.len());
        assert!(long.len() < KEPT + LEEWAY);
        assert_eq!(
            capped(format!("its constructor failed: {long}")),
            format!("its constructor failed: {long}")
        );
    }
}
