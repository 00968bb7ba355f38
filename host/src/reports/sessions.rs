//! The list of sessions, with the columns that reports add to it.
//!
//! What a report says of a session may take DuckDB a scan of large tables, however few sessions a page shows. So all that is
//! known of sessions is read at once, and kept by whoever shows pages of it ([`SessionIndex`]).

mod asked;
mod index;

use session_plugin_api::{Report, Unit};

pub use asked::{AskedSessions, SessionPlace, SessionStanding};
pub use index::{SessionIndex, SessionPage};

use super::{
    error::ReportError,
    registry::{Registered, of_sessions},
};
use crate::{
    dates::InvalidDate,
    plugins::Catalogue,
    state::{QueryError, StateError},
};

/// A column that a report adds to the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionColumn {
    /// The processor and the name, such as `usage.cost_usd`.
    pub name: String,
    /// The label, for people.
    pub label: String,
    /// What its values are.
    pub unit: Unit,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// No report adds such a column.
    #[error("the list of sessions has no column `{name}`: its columns are {known}")]
    Column {
        /// The name.
        name: String,
        /// The columns that there are.
        known: String,
    },
    /// A column of numbers is compared with something else.
    #[error("`{text}` is no number, but column `{column}` holds numbers")]
    Number {
        /// The column.
        column: String,
        /// The text.
        text: String,
    },
    /// The page begins after a value that the column cannot have.
    #[error("`{0}` is no value after which a page can begin: go back to the first page")]
    Place(String),
    /// The beginning or the end is no date.
    #[error(transparent)]
    Date(#[from] InvalidDate),
    /// The parameters of reports cannot be set.
    #[error(transparent)]
    Parameters(ReportError),
    /// The state cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl From<StateError> for SessionsError {
    fn from(error: StateError) -> Self {
        Self::Query(error.into())
    }
}

/// The columns that reports add to the list.
#[must_use]
pub fn session_columns(catalogue: &Catalogue) -> Vec<SessionColumn> {
    of_sessions(catalogue).iter().flat_map(columns).collect()
}

/// The columns that a report adds.
fn columns(registered: &Registered<'_>) -> Vec<SessionColumn> {
    let columns = registered.checked.report.columns().iter();
    let others = columns.filter(|column| column.name() != Report::SESSION_COLUMN);
    let listed = others.map(|column| SessionColumn {
        name: format!("{}.{}", registered.processor.name(), column.name()),
        label: column.label().to_owned(),
        unit: column.unit(),
    });
    listed.collect()
}
