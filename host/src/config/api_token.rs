//! The token of the admin interface, whatever its source.

use std::fmt;

use subtle::ConstantTimeEq;

use super::ConfigError;

/// The maximum size of a token, in bytes: far longer than any.
pub(super) const LONGEST: u64 = 4 << 10;

/// The minimum number of characters, so that a token cannot be guessed.
pub(super) const SHORTEST: usize = 16;

/// The secret that callers of the admin interface must know. Only `session-host token` shows it.
#[derive(Clone)]
pub struct ApiToken(String);

impl ApiToken {
    pub(super) fn new(text: &str, place: &str) -> Result<Self, ConfigError> {
        let token = text.trim();
        let remedy = "create one with `openssl rand -hex 32`";
        if token.len() < SHORTEST {
            return Err(refused(
                place,
                format!("it has fewer than {SHORTEST} characters; {remedy}"),
            ));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused(
                place,
                format!("it has characters that no HTTP header can carry; {remedy}"),
            ));
        }
        Ok(Self(token.to_owned()))
    }

    /// A token of a test.
    #[cfg(test)]
    pub(crate) fn for_tests(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether this is the token. The time that the comparison takes reveals nothing about it.
    #[must_use]
    pub fn matches(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The value of the `Authorization` header that carries the token.
    #[must_use]
    pub fn as_header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiToken(..)")
    }
}

pub(super) fn refused(place: &str, reason: impl ToString) -> ConfigError {
    ConfigError::Token {
        place: place.to_owned(),
        reason: reason.to_string(),
    }
}
