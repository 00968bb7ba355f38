//! What somebody searches for: the flags of the command, and the parameters of the route.

use serde::{Deserialize, Serialize};
use session_plugin_api::Timestamp;

use super::error::SearchError;
use crate::{dates, zone::Zone};

/// The maximum number of hits of one answer.
pub const LARGEST_LIMIT: usize = 1000;

/// How many hits an answer has, if nobody says.
const USUAL_LIMIT: usize = 20;

/// What somebody searches for, as people write it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AskedSearch {
    /// Words, each of which a text must have, and phrases in double quotes.
    #[serde(default)]
    pub words: String,
    /// Whether the words are one regular expression.
    #[serde(default)]
    pub regex: bool,
    /// The only user.
    pub username: Option<String>,
    /// The only project.
    pub project: Option<String>,
    /// The first day of the time zone, or a time.
    pub since: Option<String>,
    /// The last day of the time zone, or a time before which the texts were written.
    pub until: Option<String>,
    /// The maximum number of hits.
    pub limit: Option<usize>,
    /// Where the answer before this one ended.
    pub before: Option<String>,
}

impl AskedSearch {
    /// The maximum number of hits.
    ///
    /// # Errors
    /// When it is 0 or too large.
    pub(super) fn limit(&self) -> Result<usize, SearchError> {
        match self.limit.unwrap_or(USUAL_LIMIT) {
            limit @ 1..=LARGEST_LIMIT => Ok(limit),
            _ => Err(SearchError::Limit),
        }
    }

    /// The beginning and the end.
    ///
    /// # Errors
    /// When one is no date, or the end is not after the beginning.
    pub(super) fn span(&self, zone: &Zone) -> Result<(Option<Timestamp>, Option<Timestamp>), SearchError> {
        let beginning = |text| dates::beginning_in(text, zone.rules());
        let end = |text| dates::end_in(text, zone.rules());
        let since = self.since.as_deref().map(beginning).transpose()?;
        let until = self.until.as_deref().map(end).transpose()?;
        match since.zip(until) {
            Some((begin, end)) if begin >= end => Err(SearchError::Backwards {
                since: self.since.clone().unwrap_or_default(),
                until: self.until.clone().unwrap_or_default(),
            }),
            _ => Ok((since, until)),
        }
    }
}
