//! What an answer of a model holds, whichever format it came in.

use super::budget::Usage;

/// What an answer holds, as far as its format goes.
#[derive(Debug)]
pub(super) struct Received {
    /// What it cost, where that is told.
    pub(super) usage: Option<Usage>,
    /// The JSON of the answer, or why there is none.
    pub(super) json: Result<String, NoAnswer>,
}

/// Why an answer in the format holds no JSON of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The format is not kept.
    Malformed(String),
    /// The model stopped before the end, or refused.
    Unfinished(String),
}

impl Received {
    /// An answer that is not in the format.
    pub(super) fn malformed(reason: String) -> Self {
        Self {
            usage: None,
            json: Err(NoAnswer::Malformed(reason)),
        }
    }
}
