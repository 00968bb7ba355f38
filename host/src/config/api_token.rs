//! The token of the admin interface, wherever it comes from.

use std::fmt;

use subtle::ConstantTimeEq;

use super::ConfigError;

/// Far longer than any token, in bytes.
pub(super) const LONGEST: u64 = 4 << 10;

/// How many characters a token must have, so that it cannot be guessed.
const SHORTEST: usize = 16;

/// A secret that whoever calls the admin interface must know. Only `session-host token` shows it.
#[derive(Clone)]
pub struct ApiToken(String);

impl ApiToken {
    pub(super) fn new(text: &str, place: &str) -> Result<Self, ConfigError> {
        let token = text.trim();
        let remedy = "make one with `openssl rand -hex 32`";
        if token.len() < SHORTEST {
            return Err(refused(
                place,
                format!("it has fewer than {SHORTEST} characters: {remedy}"),
            ));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused(
                place,
                format!("it has characters that no header can carry: {remedy}"),
            ));
        }
        Ok(Self(token.to_owned()))
    }

    /// Whether this is the token, in a time that tells nothing about it.
    #[must_use]
    pub fn matches(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// The token itself, for whoever asked to see it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The value of the header `Authorization` that bears the token.
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
