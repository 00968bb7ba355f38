//! Iterates over the members of an object.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::cursor::Cursor;

/// Calls `take` at the value of each key of an object, in the order of the text. `take` must pass over the value. `text`
/// must be an object.
///
/// Before it returns an error, it may have called `take` for the members before the fault.
pub(super) fn for_each_member<'a>(
    text: &'a str,
    take: impl FnMut(&[u8], &mut Cursor<'a>) -> Option<()>,
) -> serde_json::Result<()> {
    let mut cursor = Cursor::of(text);
    match cursor.members(take).and_then(|()| cursor.end()) {
        Some(()) => Ok(()),
        None => explain(text),
    }
}

/// Why a text is not an object.
fn explain(text: &str) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_map(AnyMembers)?;
    deserializer.end()?;
    Err(serde_json::Error::custom("not a JSON object"))
}

struct AnyMembers;

impl<'de> Visitor<'de> for AnyMembers {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_entry::<Key, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// A key, read as bytes. If it were read as a string, half of a surrogate pair in it would be reported as the fault.
struct Key;

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Key, E> {
        Ok(Key)
    }
}
