//! Why there is no report.

use crate::{
    dates::InvalidDate,
    reports::last_days::InvalidSpan,
    state::{QueryError, StateError},
    zone::UnknownZone,
};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No loaded processor has a report of this name.
    #[error("there is no report `{name}`: {remedy}")]
    Unknown {
        /// The name.
        name: String,
        /// What to do.
        remedy: String,
    },
    /// Several processors have a report of this name.
    #[error("the name `{name}` is ambiguous: write {known}")]
    Ambiguous {
        /// The name.
        name: String,
        /// The full names.
        known: String,
    },
    /// The host rejected the report when it loaded the plugin.
    #[error("the report `{name}` is rejected: {reason}")]
    Rejected {
        /// The full name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The tables of its processor are older than the plugin.
    #[error("processor `{processor}` has pending migrations: `session-host run {processor}` applies them")]
    Pending {
        /// The processor.
        processor: String,
    },
    /// The beginning or the end is no date.
    #[error(transparent)]
    Date(#[from] InvalidDate),
    /// The length of the time before now is no length.
    #[error(transparent)]
    Span(#[from] InvalidSpan),
    /// There are two ways of saying when.
    #[error("`last` takes the place of `since` and `until`: omit one or the other")]
    LastAndDates,
    /// The end is not after the beginning.
    #[error("the report would begin with {since}, but end with {until}: swap `since` and `until`")]
    Backwards {
        /// The beginning, as it was asked for.
        since: String,
        /// The end, as it was asked for.
        until: String,
    },
    /// There is no such time zone.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    /// It does not filter by what was asked for.
    #[error("the report `{name}` has no filter `{asked}`: {known}")]
    Filter {
        /// The full name.
        name: String,
        /// The filter.
        asked: &'static str,
        /// What its filters are.
        known: String,
    },
    /// It has no such column.
    #[error(
        "the report `{name}` has no column `{column}` to sort by: write one of {known}, with `:desc` for the largest value first"
    )]
    Order {
        /// The full name.
        name: String,
        /// The column.
        column: String,
        /// The columns of the report.
        known: String,
    },
    /// There would be no row.
    #[error("`limit` must be at least 1")]
    NoRow,
    /// There would be too many rows.
    #[error("`limit` must be at most {0}: the service gives no more rows")]
    TooManyRows(usize),
    /// The SELECT fails.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl From<StateError> for ReportError {
    fn from(error: StateError) -> Self {
        Self::Query(error.into())
    }
}

impl ReportError {
    /// Whether somebody asks for what there is not.
    #[must_use]
    pub fn is_of_usage(&self) -> bool {
        !matches!(self, Self::Query(_))
    }
}
