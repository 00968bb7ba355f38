//! Why there is no answer to a search.

use super::asked::LARGEST_LIMIT;
use crate::{
    dates::InvalidDate,
    state::{QueryError, StateError},
};

/// Why there is no answer to a search.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// No loaded processor keeps texts.
    #[error(
        "no loaded processor keeps texts to search: the plugin `search` of session-host does; `session-host processors` says whether it is there, disabled or refused"
    )]
    NoProcessor,
    /// Several processors do.
    #[error("the processors {0} keep texts to search: disable the plugins of all but one with `disabled_plugins`")]
    Several(String),
    /// The host rejects the SELECT of the texts.
    #[error("the texts of processor `{processor}` cannot be searched: {reason}")]
    Rejected {
        /// The processor.
        processor: String,
        /// Why.
        reason: String,
    },
    /// The tables of the processor are older than the plugin, or do not exist yet.
    #[error("processor `{processor}` has pending migrations: `session-host run {processor}` applies them")]
    Pending {
        /// The processor.
        processor: String,
    },
    /// There is nothing to search for.
    #[error("there is no word to search for: write words, or a phrase in double quotes")]
    NoWord,
    /// There is too much to search for.
    #[error("at most {words} words and phrases with {letters} letters together can be searched for: write fewer")]
    TooMuch {
        /// The maximum number of words.
        words: usize,
        /// The maximum number of their letters.
        letters: usize,
    },
    /// It is no regular expression.
    #[error("this is no regular expression: {0}")]
    Pattern(Box<regex::Error>),
    /// It is a regular expression of this program, and none of DuckDB.
    #[error("DuckDB knows no such regular expression: {0}")]
    UnknownPattern(String),
    /// The beginning or the end is no date.
    #[error(transparent)]
    Date(#[from] InvalidDate),
    /// The end is not after the beginning.
    #[error("the search would begin with {since}, but end with {until}: swap `since` and `until`")]
    Backwards {
        /// The beginning, as it was asked for.
        since: String,
        /// The end, as it was asked for.
        until: String,
    },
    /// There would be no hit, or too many.
    #[error("`limit` must be between 1 and {LARGEST_LIMIT}")]
    Limit,
    /// It is no place of an earlier answer.
    #[error("`before` must be the value of `older` in an earlier answer")]
    Place,
    /// The search fails.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl From<StateError> for SearchError {
    fn from(error: StateError) -> Self {
        Self::Query(error.into())
    }
}

impl SearchError {
    /// Whether somebody asks for what there is not.
    #[must_use]
    pub fn is_of_usage(&self) -> bool {
        !matches!(self, Self::Query(_))
    }
}
