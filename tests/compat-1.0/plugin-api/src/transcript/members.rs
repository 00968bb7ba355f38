//! The walk over an object's members.

use std::{borrow::Cow, fmt};

use memchr::memchr;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{Json, skim};

/// Hands every member of the object that `text` must be to `take`, in the order of the text.
///
/// What comes before a fault may have been handed over when the error is given.
pub(super) fn for_each_member<'a>(text: &'a str, mut take: impl FnMut(&[u8], Json<'a>)) -> serde_json::Result<()> {
    let skimmed = skim::members(text, |key, value| take(&unquoted(key), Json::from_valid(value)));
    match skimmed {
        Some(()) => Ok(()),
        None => explain(text),
    }
}

/// A key as bytes: as a string, one with half of a surrogate pair would cost the whole object.
fn unquoted(key: &str) -> Cow<'_, [u8]> {
    let quoted = key.as_bytes();
    match memchr(b'\\', quoted) {
        None => Cow::Borrowed(&quoted[1..quoted.len() - 1]),
        Some(_) => serde_json::from_str::<Key<'_>>(key).map_or(Cow::Borrowed(quoted), |key| key.0),
    }
}

/// Why a text is no object.
fn explain(text: &str) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_map(AnyMembers)?;
    deserializer.end()?;
    Err(serde_json::Error::custom("no JSON object"))
}

struct AnyMembers;

impl<'de> Visitor<'de> for AnyMembers {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_entry::<Key<'de>, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

struct Key<'de>(Cow<'de, [u8]>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_bytes<E: Error>(self, key: &'de [u8]) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(key.to_vec())))
    }
}
