//! The contents of a response, independent of its format.

use super::budget::Usage;

/// The contents of a response.
#[derive(Debug)]
pub(super) struct Received {
    /// The tokens, if the server counts them.
    pub(super) usage: Option<Usage>,
    /// The JSON of the answer, or the reason that there is none.
    pub(super) json: Result<String, NoAnswer>,
}

/// Why a response contains no JSON of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The response is not in the format.
    Malformed(String),
    /// The model stopped before the end, or refused.
    Unfinished(String),
}

impl Received {
    /// A response that is not in the format.
    pub(super) fn malformed(reason: String) -> Self {
        Self {
            usage: None,
            json: Err(NoAnswer::Malformed(reason)),
        }
    }
}
