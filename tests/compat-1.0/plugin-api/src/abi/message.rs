//! What crosses as JSON: cold, and free to gain keys.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, Visitor},
};

use crate::descriptor::{Descriptor, Migration};

/// How a call into the author's code ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// It returned.
    Returned(T),
    /// It failed or panicked.
    Failed(Fault),
}

/// How much is kept of a message, in bytes.
const KEPT: usize = 16 << 10;

/// How much is kept of a place, in bytes.
const KEPT_OF_A_PLACE: usize = 256;

/// How much longer a message may be before it is cut: what is put before a cut one does not cut it again.
const LEEWAY: usize = 1 << 10;

/// Why a call failed. Of its texts the beginning is kept when it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// How it failed.
    pub kind: FaultKind,
    /// What the error or the panic says.
    #[serde(deserialize_with = "read_capped")]
    pub message: String,
    /// Where a panic happened, `file:line:column`.
    #[serde(default, deserialize_with = "read_place", skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The stack at a panic, where `RUST_BACKTRACE` asks for it.
    #[serde(default, deserialize_with = "read_optional", skip_serializing_if = "Option::is_none")]
    pub backtrace: Option<String>,
}

/// How a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// It returned an error.
    Error,
    /// It panicked.
    Panic,
    /// It left the session for a later run.
    NotNow,
}

/// All that a processor says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Description {
    /// Its name, cadence and tables.
    pub descriptor: Descriptor,
    /// The SQL that makes its tables.
    pub migrations: Vec<Migration>,
    /// The version of the plugin's package.
    #[serde(default)]
    pub package_version: String,
}

/// What a processed session gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processed {
    /// How many items were extracted.
    pub items_count: u64,
    /// What was read of the transcript; `None` where the plugin did not read it to its end by way of its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
}

impl Processed {
    /// Whether the transcript is none of those that the processor is for: it holds no known record, and gave no item.
    #[must_use]
    pub fn is_unrecognised(&self) -> bool {
        self.items_count == 0 && self.reading.as_ref().is_some_and(|reading| !reading.is_known)
    }
}

/// What was read of a transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Whether it holds a known record, or nothing at all.
    pub is_known: bool,
    /// How many lines could not be read, or not as a whole.
    pub unreadable_lines: u64,
    /// The numbers of the first of them, from 1, in ascending order.
    pub first_unreadable: Vec<u64>,
}

impl Fault {
    /// A fault that is an error.
    pub fn error(message: impl AsRef<[u8]>) -> Self {
        Self {
            kind: FaultKind::Error,
            message: capped(message),
            place: None,
            backtrace: None,
        }
    }
}

/// A message as it is kept: text, and of a long one the beginning, with the length of the whole.
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

fn read_capped<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_str(Capped)
}

fn read_place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let place = Option::<Cow<'de, str>>::deserialize(deserializer)?;
    Ok(place.map(|place| beginning(place.as_bytes(), KEPT_OF_A_PLACE, 0)))
}

fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "read_capped")] String);
    Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(text)| text))
}

/// The JSON bytes of a message; none when it cannot be written, which the other side takes for an unreadable answer.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_default()
}

/// The message that JSON bytes hold.
///
/// # Errors
/// When the bytes are no such message: the other side has another idea of this interface.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes)
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

    #[test]
    fn a_fault_is_cut_when_it_is_read() {
        let fault = Fault {
            kind: FaultKind::Panic,
            message: "x".repeat(1_000_000),
            place: Some("y".repeat(1_000_000)),
            backtrace: None,
        };
        let read: Fault = decode(&encode(&fault)).unwrap();
        assert_eq!(read.message, capped(&fault.message));
        let place = format!("{}... (1000000 bytes in all)", "y".repeat(KEPT_OF_A_PLACE));
        assert_eq!(read.place, Some(place));
        assert_eq!(read.backtrace, None);
    }
}
