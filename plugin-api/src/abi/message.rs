//! What crosses as JSON: cold, and free to gain keys.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

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

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// How it failed.
    pub kind: FaultKind,
    /// What the error or the panic says.
    pub message: String,
    /// Where a panic happened, `file:line:column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The stack at a panic, where `RUST_BACKTRACE` asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processed {
    /// How many items were extracted.
    pub items_count: u64,
}

impl Fault {
    /// A fault that is an error.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Error,
            message: message.into(),
            place: None,
            backtrace: None,
        }
    }
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
