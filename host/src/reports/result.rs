//! The answer to a report, as the command line prints it and HTTP sends it.

use jiff::tz::TimeZone;
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
    /// Of when the figures are, if they come from a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
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

    /// The time zone of the report. The host that ran it has checked the name; this machine may not know it.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC)
    }

    /// The sum of a column over all rows, if it has one.
    #[must_use]
    pub fn total<T: DeserializeOwned>(&self, column: &str) -> Option<T> {
        let total = self.totals.get(self.place(column)?)?.as_ref()?;
        serde_json::from_str(total.get()).ok()
    }
}

impl ReportResult {
    /// The rows as CSV, below the names of the columns. The values are unchanged: texts without quotes, nothing for null.
    ///
    /// # Errors
    /// When a row cannot be written.
    pub fn as_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut written = csv::Writer::from_writer(Vec::new());
        written.write_record(self.columns.iter().map(|column| &column.name))?;
        for row in &self.rows {
            written.write_record(row.iter().map(|value| text_of(value)))?;
        }
        written.into_inner().map_err(|error| error.into_error().into())
    }
}

/// A value as text: texts without quotes, nothing for null.
#[must_use]
pub fn text_of(value: &RawValue) -> String {
    match value.get() {
        "null" => String::new(),
        json => serde_json::from_str(json).unwrap_or_else(|_| json.to_owned()),
    }
}

/// The value at a place of a row, if it is of this type.
#[must_use]
pub fn value<T: DeserializeOwned>(row: &[Box<RawValue>], place: usize) -> Option<T> {
    serde_json::from_str(row.get(place)?.get()).ok()
}
