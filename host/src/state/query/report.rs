//! Runs the reports of processors: SELECTs that come with a plugin, whose parameters the host binds.

use duckdb::{
    Statement,
    types::{TimeUnit, Value},
};
use serde_json::value::RawValue;
use session_plugin_api::{Order, ReportColumn, Timestamp};

use crate::{
    state::{
        engine::{instance::Link, sql::quoted},
        error::Doing,
        judge::statement::{check_question, without_end},
        query::ask::{QueryAnswer, QueryError, QueryLimits, fetch, guarded},
    },
    week::WeekStart,
    zone::{UtcOffset, Zone},
};

/// The values of a report's parameters.
#[derive(Clone, Debug)]
pub struct ReportParameters {
    /// The beginning, inclusive.
    pub since: Option<Timestamp>,
    /// The end, exclusive.
    pub until: Option<Timestamp>,
    /// The only user, if there is one.
    pub username: Option<String>,
    /// The only project, if there is one.
    pub project: Option<String>,
    /// The time zone.
    pub zone: Zone,
    /// The day on which weeks begin.
    pub week_start: WeekStart,
    /// The current time.
    pub now: Timestamp,
}

/// A report to run.
#[derive(Clone, Debug)]
pub struct ReportQuery<'a> {
    /// Its SELECT.
    pub sql: &'a str,
    /// Its columns.
    pub columns: &'a [ReportColumn],
    /// The columns by which its rows are sorted. The remaining columns follow.
    pub order: Vec<(&'a str, Order)>,
    /// The maximum number of rows.
    pub limit: Option<usize>,
}

/// The answer to a report.
#[derive(Debug)]
pub struct ReportAnswer {
    /// The rows; each holds the values of the columns as JSON, in order.
    pub rows: Vec<Vec<Box<RawValue>>>,
    /// The sum of each column that has one, over all rows, even those that are cut off.
    pub totals: Vec<Option<Box<RawValue>>>,
    /// Whether rows are cut off.
    pub truncated: bool,
}

/// The names of the parameters, for people.
pub(super) const PARAMETERS: &str = "$since, $until, $username, $project, $timezone, $week_start and $now";

/// The parameters by which a report may filter. They are NULL, unless somebody asks for them.
const FILTERS: [&str; 4] = ["since", "until", "username", "project"];

/// What the host is doing, for errors.
const REPORTING: &str = "run the report";

impl ReportParameters {
    /// The value of the parameter `name`; `None` if there is no such parameter.
    fn value(&self, name: &str) -> Option<Value> {
        let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
        let time = |time: Option<Timestamp>| time.map_or(Value::Null, moment);
        Some(match name.to_lowercase().as_str() {
            "since" => time(self.since),
            "until" => time(self.until),
            "username" => text(&self.username),
            "project" => text(&self.project),
            "timezone" => Value::Text(self.zone.name().to_owned()),
            "week_start" => Value::Text(self.week_start.as_str().to_owned()),
            "now" => moment(self.now),
            _ => return None,
        })
    }

    /// The values of a statement's parameters, in order.
    ///
    /// # Errors
    /// When one is unknown.
    pub(super) fn values(&self, statement: &Statement<'_>) -> Result<Vec<Value>, QueryError> {
        let places = 1..=statement.parameter_count();
        let values = places.map(|place| {
            let name = statement.parameter_name(place).doing(REPORTING)?;
            self.value(&name).ok_or(QueryError::UnknownParameter(name))
        });
        values.collect()
    }

    /// Checks that a statement filters by everything that was asked for: figures of more than that would be wrong.
    fn check_filters(&self, statement: &Statement<'_>) -> Result<(), QueryError> {
        let known = filters(statement);
        let is_missing = |filter: &&str| {
            let is_asked_for = self.value(filter).is_some_and(|value| value != Value::Null);
            is_asked_for && known.iter().all(|known| known != filter)
        };
        match FILTERS.into_iter().find(is_missing) {
            Some(asked) => Err(QueryError::Filter { asked, known }),
            None => Ok(()),
        }
    }
}

/// The filters that a statement names.
pub(super) fn filters(statement: &Statement<'_>) -> Vec<String> {
    let places = 1..=statement.parameter_count();
    let names: Vec<String> = places
        .filter_map(|place| statement.parameter_name(place).ok())
        .map(|name| name.to_lowercase())
        .collect();
    let named = FILTERS
        .into_iter()
        .filter(|filter| names.iter().any(|name| name == filter));
    named.map(str::to_owned).collect()
}

fn moment(time: Timestamp) -> Value {
    Value::Timestamp(TimeUnit::Microsecond, time.as_micros())
}

/// Runs a report in a read-only transaction.
///
/// # Errors
/// When a SELECT is not one, exceeds a limit, or DuckDB rejects it.
pub(crate) fn run(
    link: &Link,
    query: &ReportQuery<'_>,
    parameters: &ReportParameters,
    limits: QueryLimits,
) -> Result<ReportAnswer, QueryError> {
    check_question(link, query.sql)?;
    let found = guarded(link, limits.memory, || {
        let offsets = parameters.zone.offsets();
        let most = query.limit.unwrap_or(usize::MAX).min(limits.rows);
        let sql = with_report(link, query.sql, &offsets) + &sorted_and_summed(query, most);
        let mut statement = link.prepare(&sql).doing(REPORTING)?;
        parameters.check_filters(&statement)?;
        let values = parameters.values(&statement)?;
        fetch(&mut statement, &values, QueryLimits { rows: most, ..limits })
    })?;
    Ok(answer(query.columns, found))
}

/// Runs a SELECT that gives the warnings of a report.
///
/// # Errors
/// As above.
pub(crate) fn warnings(
    link: &Link,
    sql: &str,
    parameters: &ReportParameters,
    limits: QueryLimits,
) -> Result<Vec<String>, QueryError> {
    check_question(link, sql)?;
    guarded(link, limits.memory, || {
        let sql = with_report(link, sql, &parameters.zone.offsets()) + "SELECT CAST(warning AS VARCHAR) FROM report";
        let mut statement = link.prepare(&sql).doing(REPORTING)?;
        let values = parameters.values(&statement)?;
        Ok(texts(fetch(&mut statement, &values, limits)?))
    })
}

/// The beginning of a statement that reads from the relation `report`, which is this SELECT. The SELECT has lines of its
/// own, because it may end in a comment.
pub(super) fn with_report(link: &Link, sql: &str, offsets: &[UtcOffset]) -> String {
    format!(
        "{}, report AS (\n{}\n) ",
        with_offsets(offsets),
        without_end(link.engine(), sql)
    )
}

/// The beginning of a statement whose parts may read the relation `utc_offsets`.
pub(super) fn with_offsets(offsets: &[UtcOffset]) -> String {
    let rows: Vec<String> = offsets.iter().map(row).collect();
    format!(
        "WITH utc_offsets(from_utc, utc_offset) AS (VALUES {}) ",
        rows.join(", ")
    )
}

fn row(offset: &UtcOffset) -> String {
    format!(
        "(TIMESTAMP '{}', INTERVAL '{} seconds')",
        offset.from.to_string().trim_end_matches('Z'),
        offset.seconds
    )
}

/// DuckDB rejects a larger LIMIT. No report has so many rows.
const LARGEST_LIMIT: usize = 1 << 62;

/// Selects the columns and the sums. The sums are of a window, so that DuckDB computes the report once and the LIMIT cuts
/// nothing off them. One row more than the most that are wanted tells that there are more.
fn sorted_and_summed(query: &ReportQuery<'_>, most: usize) -> String {
    let columns = query.columns.iter().map(|column| quoted(column.name()));
    let summed = query.columns.iter().filter(|column| column.is_summed());
    let sums = summed.map(|column| format!("system.main.sum({}) OVER ()", quoted(column.name())));
    let selected: Vec<String> = columns.chain(sums).collect();
    let named: Vec<&str> = query.order.iter().map(|(column, _)| *column).collect();
    let rest = query.columns.iter().map(ReportColumn::name);
    let rest = rest.filter(|column| !named.contains(column)).map(quoted);
    let order = query.order.iter().map(|(column, order)| match order {
        Order::Ascending => quoted(column),
        Order::Descending => format!("{} DESC", quoted(column)),
    });
    let order: Vec<String> = order.chain(rest).collect();
    let limit = match most < LARGEST_LIMIT {
        true => format!(" LIMIT {}", most + 1),
        false => String::new(),
    };
    format!(
        "SELECT {} FROM report ORDER BY {}{limit}",
        selected.join(", "),
        order.join(", ")
    )
}

fn answer(columns: &[ReportColumn], found: QueryAnswer) -> ReportAnswer {
    let QueryAnswer {
        mut rows, truncated, ..
    } = found;
    let sums: Vec<Box<RawValue>> = rows
        .iter_mut()
        .map(|row| row.split_off(columns.len().min(row.len())))
        .next()
        .unwrap_or_default();
    for row in &mut rows {
        row.truncate(columns.len());
    }
    let mut sums = sums.into_iter();
    let totals = columns.iter().map(|column| match column.is_summed() {
        true => sums.next(),
        false => None,
    });
    ReportAnswer {
        totals: totals.collect(),
        rows,
        truncated,
    }
}

/// The texts of an answer with one column.
fn texts(answer: QueryAnswer) -> Vec<String> {
    let values = answer.rows.into_iter().flatten();
    values
        .filter_map(|value| serde_json::from_str(value.get()).ok())
        .collect()
}
