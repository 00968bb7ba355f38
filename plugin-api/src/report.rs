//! Reports: the questions about a processor's tables that the processor itself answers.

mod chart;
mod column;

pub use chart::{Chart, ChartKind};
pub use column::{ReportColumn, Unit};

use serde::{Deserialize, Serialize};

/// A question that people ask about a processor's tables, with the SELECT that answers it. The host runs it for
/// `session-host report` and `GET /api/reports`.
///
/// The host binds the parameters that the SELECT names; unset ones are NULL:
///
/// - `$since` and `$until`: TIMESTAMP in UTC. The beginning is inclusive, the end exclusive.
/// - `$username` and `$project`: VARCHAR.
/// - `$timezone`: VARCHAR, such as `Europe/Prague`; always set.
/// - `$week_start`: VARCHAR, `sunday` or `monday`; always set.
/// - `$now`: TIMESTAMP in UTC; always set.
///
/// The SELECT can also read the relation `utc_offsets(from_utc TIMESTAMP, utc_offset INTERVAL)`: from when on the time
/// zone has which offset from UTC. So it finds the local day of a time:
///
/// ```
/// use session_plugin_api::{Chart, Descriptor, Order, Report, ReportColumn, Unit};
///
/// let daily = Report::new(
///     "daily",
///     "Lines per day",
///     "SELECT (written_at + utc_offset)::DATE AS day, count(*) AS lines
///      FROM line_times ASOF JOIN utc_offsets ON written_at >= from_utc
///      WHERE ($since IS NULL OR written_at >= $since) AND ($until IS NULL OR written_at < $until)
///        AND ($username IS NULL OR username = $username)
///      GROUP BY ALL",
/// )
/// .description("The lines that each day's transcripts have.")
/// .column(ReportColumn::new("day", "Day", Unit::Text))
/// .column(ReportColumn::new("lines", "Lines", Unit::Count))
/// .order("day", Order::Ascending)
/// .chart(Chart::bars("day", "lines"));
/// let descriptor = Descriptor::new("lines").report(daily);
/// assert_eq!(descriptor.reports()[0].name(), "daily");
/// ```
///
/// When it loads the plugin, the host tries each report. It rejects a report whose SELECT fails, or whose columns are not
/// the declared ones; the plugin and its other reports stay in service. A host older than interface 1.3 has no reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    name: String,
    title: String,
    #[serde(default)]
    description: String,
    sql: String,
    #[serde(default)]
    columns: Vec<ReportColumn>,
    #[serde(default)]
    order: Vec<Sorted>,
    #[serde(default)]
    chart: Option<Chart>,
    #[serde(default)]
    overview: Option<u32>,
    #[serde(default)]
    of_sessions: bool,
}

/// The direction in which rows are sorted. An unknown one is read as `Ascending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The largest value first.
    Descending,
    /// The smallest value first.
    #[serde(other)]
    Ascending,
}

/// A column by which rows are sorted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sorted {
    column: String,
    order: Order,
}

impl Report {
    /// Makes a report of this name (`[a-z][a-z0-9_-]*`) and title from one SELECT. Declare each column of the SELECT with
    /// [`column`](Self::column).
    pub fn new(name: impl Into<String>, title: impl Into<String>, sql: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            description: String::new(),
            sql: sql.into(),
            columns: Vec::new(),
            order: Vec::new(),
            chart: None,
            overview: None,
            of_sessions: false,
        }
    }

    /// Sets the description, one line for the list of reports.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Declares the next column of the SELECT.
    #[must_use]
    pub fn column(mut self, column: ReportColumn) -> Self {
        self.columns.push(column);
        self
    }

    /// Sorts the rows by a column, after the columns of earlier calls. The remaining columns follow, so that equal reports
    /// are equal to the last byte.
    #[must_use]
    pub fn order(mut self, column: impl Into<String>, order: Order) -> Self {
        self.order.push(Sorted {
            column: column.into(),
            order,
        });
        self
    }

    /// Sets the chart that shows the rows.
    #[must_use]
    pub fn chart(mut self, chart: Chart) -> Self {
        self.chart = Some(chart);
        self
    }

    /// Puts the report into the overview, which `session-host` prints after it has processed a user's own transcripts: the
    /// last 7 days of each report in it, the lowest rank first. Choose few reports, with few rows. The processors of
    /// session-host have the ranks 10 to 40. A report without a rank is not in the overview.
    #[must_use]
    pub fn overview(mut self, rank: u32) -> Self {
        self.overview = Some(rank);
        self
    }

    /// Adds the report to the list of sessions, which the page shows. Its column [`SESSION_COLUMN`](Self::SESSION_COLUMN)
    /// holds the key of a session, each in one row at most. The other columns become columns of that list, with a filter
    /// each. Only the first such report of a processor is used.
    ///
    /// The host reads the rows of all sessions when somebody looks at the list and the results have changed.
    #[must_use]
    pub fn of_sessions(mut self) -> Self {
        self.of_sessions = true;
        self
    }

    /// The column that holds the key of a session, in a report [`of_sessions`](Self::of_sessions).
    pub const SESSION_COLUMN: &str = "session_file";

    /// Whether its columns are in the list of sessions.
    #[must_use]
    pub fn is_of_sessions(&self) -> bool {
        self.of_sessions
    }

    /// The report's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its rank in the overview; `None` if it is not in it.
    #[must_use]
    pub fn rank(&self) -> Option<u32> {
        self.overview
    }

    /// The title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The description; empty if there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.description
    }

    /// The SELECT.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The declared columns, in the order of the table.
    #[must_use]
    pub fn columns(&self) -> &[ReportColumn] {
        &self.columns
    }

    /// The columns by which the rows are sorted, the first one first.
    pub fn sorted_by(&self) -> impl Iterator<Item = (&str, Order)> {
        self.order.iter().map(|sorted| (sorted.column.as_str(), sorted.order))
    }

    /// The chart, if there is one of a known kind.
    #[must_use]
    pub fn drawn_as(&self) -> Option<&Chart> {
        self.chart.as_ref().filter(|chart| chart.kind() != ChartKind::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Descriptor;

    #[test]
    fn words_of_a_newer_interface_are_read_as_the_nearest_known_ones() {
        let json = r#"{"name": "p", "cadence_minutes": 15, "reports": [{
            "name": "daily", "title": "Daily", "sql": "SELECT 1 AS day", "footnote": "newer",
            "columns": [{"name": "day", "label": "Day", "unit": "furlongs", "colour": "red"}],
            "order": [{"column": "day", "order": "shuffled"}],
            "chart": {"kind": "globe", "x": "day"}}]}"#;
        let descriptor: Descriptor = serde_json::from_str(json).unwrap();
        let report = &descriptor.reports()[0];
        assert_eq!(report.columns()[0].unit(), Unit::Text);
        assert_eq!(report.sorted_by().collect::<Vec<_>>(), [("day", Order::Ascending)]);
        assert_eq!(report.drawn_as(), None);
    }

    #[test]
    fn a_report_survives_its_way_across_the_boundary() {
        let report = Report::new("heat", "Heat", "SELECT 1")
            .description("When people work.")
            .column(ReportColumn::new("hour", "Hour", Unit::Text))
            .column(ReportColumn::new("rate", "Errors", Unit::Percent).gives_way(2))
            .column(ReportColumn::new("users", "Users", Unit::Count).without_sum())
            .order("hour", Order::Descending)
            .chart(Chart::heat_map("hour", "rate", "users"))
            .of_sessions();
        let descriptor = Descriptor::new("p").report(report).report_warnings("SELECT 2");
        let json = serde_json::to_string(&descriptor).unwrap();
        let read: Descriptor = serde_json::from_str(&json).unwrap();
        assert_eq!(read, descriptor);
        assert_eq!(read.warnings_of_reports(), Some("SELECT 2"));
        let order: Vec<_> = read.reports()[0].sorted_by().collect();
        assert_eq!(order, [("hour", Order::Descending)]);
        assert!(
            json.contains(r#""unit":"percent""#) && json.contains(r#""kind":"heat_map""#),
            "{json}"
        );
    }

    #[test]
    fn a_descriptor_of_an_older_interface_has_no_reports() {
        let descriptor: Descriptor = serde_json::from_str(r#"{"name": "p", "cadence_minutes": 15}"#).unwrap();
        assert_eq!(
            (descriptor.reports().len(), descriptor.warnings_of_reports()),
            (0, None)
        );
    }

    #[test]
    fn amounts_are_summed_and_the_rest_is_not() {
        let is_summed = |unit| ReportColumn::new("c", "C", unit).is_summed();
        let amounts = [Unit::Tokens, Unit::Usd, Unit::Count, Unit::Seconds, Unit::Bytes];
        assert!(amounts.into_iter().all(is_summed));
        assert!(![Unit::Percent, Unit::Time, Unit::Text].into_iter().any(is_summed));
        assert!(!ReportColumn::new("c", "C", Unit::Usd).without_sum().is_summed());
    }
}
