//! The names of processors, sessions and versions.

use std::{fmt, str::FromStr};

/// The variable that holds the token of the admin interface. No plugin sees it in a worker process.
pub const API_TOKEN_VARIABLE: &str = "SESSION_HOST_API_TOKEN";

/// The name of a processor: `[a-z][a-z0-9_-]*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessorName(String);

/// A text that is not a [`ProcessorName`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a processor name: it must match [a-z][a-z0-9_-]*")]
pub struct InvalidProcessorName(String);

/// A session's name: its transcript's path below the sessions directory, with `/`, such as `alice/3f2c.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(String);

/// The MD5 of a transcript's bytes, 32 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileHash(String);

/// Whether a text has the form of the names of processors and reports.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on_well = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    starts_well && goes_on_well
}

impl FromStr for ProcessorName {
    type Err = InvalidProcessorName;

    fn from_str(text: &str) -> Result<Self, InvalidProcessorName> {
        match is_name(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidProcessorName(text.to_owned())),
        }
    }
}

impl ProcessorName {
    /// The name under which hosts that share a state agree on who of them does what one does for all.
    #[must_use]
    pub fn of_the_hosts_own_work() -> Self {
        Self("session-host".to_owned())
    }
}

impl SessionKey {
    /// The key of a transcript at this path below the sessions directory.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The folder directly below the sessions directory that holds the transcript.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl FileHash {
    /// The hash with these hex digits.
    pub fn from_hex(digits: impl Into<String>) -> Self {
        Self(digits.into())
    }
}

macro_rules! text_newtype {
    ($($name:ident),*) => {
        $(
            impl $name {
                /// The name as text.
                #[must_use]
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.pad(&self.0)
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(&self.0)
                }
            }
        )*
    };
}

text_newtype!(ProcessorName, SessionKey, FileHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_names_are_checked() {
        for name in ["usage", "a", "error_metrics-2"] {
            assert_eq!(name.parse::<ProcessorName>().unwrap().as_str(), name);
        }
        for name in ["", "Usage", "2nd", "-a", "a b", "ü", "a/b"] {
            assert!(name.parse::<ProcessorName>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_folder_is_the_first_component() {
        assert_eq!(SessionKey::new("alice/x/y.jsonl").folder(), "alice");
    }
}
