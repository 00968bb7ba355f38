//! Why a processor could not do its work.

use std::fmt;

/// An error of a processor: what was being done, to what, and why it failed.
///
/// Every standard error converts into it, with its chain of causes, so `?` works on any `Result`:
///
/// ```
/// use session_plugin_api::{Error, Result};
///
/// fn port(text: &str) -> Result<u16> {
///     Ok(text.parse::<u16>()?)
/// }
///
/// assert_eq!(port("x").unwrap_err().to_string(), "invalid digit found in string");
/// assert_eq!(Error::new("no such model").context("ask the model").to_string(), "ask the model: no such model");
/// ```
pub struct Error {
    message: String,
    kind: ErrorKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    Failure,
    NotNow,
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that says this.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: ErrorKind::Failure,
        }
    }

    /// An error that says why the session is left for a later run, such as a budget that is spent or a service that asks
    /// for a pause. It is no failure of the session: nothing is recorded of it, it counts as `capped`, and the run begins
    /// no further attempts.
    pub fn not_now(reason: impl Into<String>) -> Self {
        Self {
            message: reason.into(),
            kind: ErrorKind::NotNow,
        }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error, told with what was being done.
    #[must_use]
    pub fn context(self, doing: impl fmt::Display) -> Self {
        Self {
            message: format!("{doing}: {}", self.message),
            kind: self.kind,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Self::new(message)
    }
}
