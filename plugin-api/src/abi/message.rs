//! Messages that cross the ABI boundary as JSON, because their speed does not matter and JSON can gain keys.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::capped_text::{capped, read_capped, read_optional, read_place};
use crate::descriptor::{Descriptor, Migration};

/// The result of a call into the author's code.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// It returned.
    Returned(T),
    /// It failed or panicked.
    Failed(Fault),
}

/// Why a call failed. Reading it keeps only the beginning of long texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// How the call failed.
    pub kind: FaultKind,
    /// The message of the error or the panic.
    #[serde(deserialize_with = "read_capped")]
    pub message: String,
    /// The place of a panic, `file:line:column`.
    #[serde(default, deserialize_with = "read_place", skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The stack at a panic, if `RUST_BACKTRACE` asks for it.
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
    /// It postponed the session to a later run.
    NotNow,
}

/// How a processor describes itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Description {
    /// Its name, cadence and tables.
    pub descriptor: Descriptor,
    /// The migrations that create its tables.
    pub migrations: Vec<Migration>,
    /// The version of the plugin's package.
    #[serde(default)]
    pub package_version: String,
    /// The hooks that it has. Since 1.2.
    #[serde(default)]
    pub hooks: Hooks,
}

/// Which hooks a processor has. The host calls no other, so a processor without hooks costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooks {
    /// [`RawProcessor::replaced`](crate::abi::RawProcessor::replaced).
    #[serde(default)]
    pub replaced: bool,
    /// [`RawProcessor::forgotten`](crate::abi::RawProcessor::forgotten).
    #[serde(default)]
    pub forgotten: bool,
}

/// The result of a successful attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processed {
    /// How many items the session gave.
    pub items_count: u64,
    /// The summary of what the plugin read; `None` if it did not read to the end through the methods of its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
}

impl Processed {
    /// Whether the session is unrecognised: it holds no known record and gave no item.
    #[must_use]
    pub fn is_unrecognised(&self) -> bool {
        self.items_count == 0 && self.reading.as_ref().is_some_and(|reading| !reading.is_known)
    }
}

/// A summary of the transcript, as far as the plugin read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Whether it contains a known record, or nothing at all.
    pub is_known: bool,
    /// How many lines were not fully readable.
    pub unreadable_lines: u64,
    /// The numbers of the first such lines, from 1, in ascending order.
    pub first_unreadable: Vec<u64>,
}

impl Fault {
    /// Creates a fault from an error message.
    pub fn error(message: impl AsRef<[u8]>) -> Self {
        Self {
            kind: FaultKind::Error,
            message: capped(message),
            place: None,
            backtrace: None,
        }
    }
}

/// The JSON bytes of a message. They are empty if serialisation fails; the other side then reports an unreadable answer.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_default()
}

/// Reads a message from JSON bytes.
///
/// # Errors
/// Fails if the bytes are not a message of this type: the other side then has a different version of this interface.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes)
}

#[cfg(test)]
mod tests {
    use super::{super::capped_text::KEPT_OF_A_PLACE, *};

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
