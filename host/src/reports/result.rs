//! The answer to a report, as the command line prints it and HTTP sends it.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use session_plugin_api::{Chart, Unit};

/// The answer to a report.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportResult {
    /// The full name of the report, such as `usage.daily`.
    pub report: String,
    /// The title.
    pub title: String,
    /// The description; empty if there is none.
    pub description: String,
    /// The time zone of its days.
    pub timezone: String,
    /// The beginning, inclusive.
    pub since: Option<String>,
    /// The end, exclusive.
    pub until: Option<String>,
    /// The only user, if one was asked for.
    pub username: Option<String>,
    /// The only project, if one was asked for.
    pub project: Option<String>,
    /// The columns.
    pub columns: Vec<ResultColumn>,
    /// How it is drawn.
    pub chart: Option<Chart>,
    /// The rows; each holds the values of the columns, in order.
    pub rows: Vec<Vec<Box<RawValue>>>,
    /// The sum of each column that has one, over all rows, even those that are cut off.
    pub totals: Vec<Option<Box<RawValue>>>,
    /// Whether there are more rows than the limit.
    pub truncated: bool,
    /// What people should know about the numbers.
    pub warnings: Vec<String>,
}

/// A column of the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResultColumn {
    /// The name.
    pub name: String,
    /// The label, for people.
    pub label: String,
    /// What the values are.
    pub unit: Unit,
    /// Whether the column has a sum.
    pub summed: bool,
    /// When the column goes in a narrow terminal: the highest number first, 0 never.
    pub gives_way: u32,
}

impl ReportResult {
    /// The place of a column in the rows.
    #[must_use]
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The sum of a column over all rows, if it has one.
    #[must_use]
    pub fn total<T: DeserializeOwned>(&self, column: &str) -> Option<T> {
        let total = self.totals.get(self.place(column)?)?.as_ref()?;
        serde_json::from_str(total.get()).ok()
    }
}

/// The value at a place of a row, if it is of this type.
#[must_use]
pub fn value<T: DeserializeOwned>(row: &[Box<RawValue>], place: usize) -> Option<T> {
    serde_json::from_str(row.get(place)?.get()).ok()
}
