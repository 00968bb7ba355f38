//! The hooks that a processor may have.

use std::fmt;

use crate::workers::protocol::Method;

/// What the host calls before it removes the rows of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Another version of the session replaces them.
    Replaced,
    /// The session is forgotten.
    Forgotten,
}

impl From<Hook> for Method {
    fn from(hook: Hook) -> Self {
        match hook {
            Hook::Replaced => Self::Replaced,
            Hook::Forgotten => Self::Forgotten,
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Replaced => "replaced",
            Self::Forgotten => "forgotten",
        })
    }
}
