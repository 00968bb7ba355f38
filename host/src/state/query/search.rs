//! Searches the texts that a processor keeps: filters and sorts the rows of its SELECT, the newest first.
//!
//! There is no index. DuckDB matches a regular expression on about a gigabyte of text in a second, and on all cores where
//! the host may use them. It compiles a pattern once, because it plans a statement when it has the parameters' values.

use duckdb::types::{TimeUnit, Value};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use session_plugin_api::{ReportColumn, Timestamp, Unit};

use crate::state::{
    engine::instance::Link,
    error::Doing,
    judge::statement::{check_question, without_end},
    query::{
        ask::{QueryError, QueryLimits, fetch, guarded},
        report_check::{ReportRejected, check_columns},
    },
};

/// What somebody searches for.
#[derive(Clone, Debug)]
pub struct SearchQuery<'a> {
    /// The SELECT of the texts.
    pub sql: &'a str,
    /// Regular expressions, each of which must match a text.
    pub patterns: Vec<&'a str>,
    /// The only user, if there is one.
    pub username: Option<&'a str>,
    /// The only project, if there is one.
    pub project: Option<&'a str>,
    /// The beginning, inclusive.
    pub since: Option<Timestamp>,
    /// The end, exclusive.
    pub until: Option<Timestamp>,
    /// The place of the last text that was found before.
    pub before: Option<&'a TextPlace>,
    /// The maximum number of texts.
    pub limit: usize,
}

impl<'a> SearchQuery<'a> {
    /// Asks for so many of all texts.
    #[must_use]
    pub fn of_everything(sql: &'a str, limit: usize) -> Self {
        Self {
            sql,
            patterns: Vec::new(),
            username: None,
            project: None,
            since: None,
            until: None,
            before: None,
            limit,
        }
    }
}

/// The place of a text among all: texts are sorted by time, then by session, then by their number in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextPlace {
    /// When the text was written.
    pub time: Timestamp,
    /// The session.
    pub session: String,
    /// The number of the text in the session.
    pub part: i64,
}

/// A text that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundText {
    /// Its place among all.
    pub place: TextPlace,
    /// The user.
    pub username: Option<String>,
    /// The project.
    pub project: Option<String>,
    /// The line of the transcript, from 1.
    pub line: i64,
    /// What the text is.
    pub kind: String,
    /// The tool that wrote or got it.
    pub tool: Option<String>,
    /// The text.
    pub text: String,
}

/// The texts that were found.
#[derive(Debug)]
pub struct FoundTexts {
    /// The newest first.
    pub texts: Vec<FoundText>,
    /// Whether there are older ones.
    pub has_older: bool,
}

/// What the host is doing, for errors.
const SEARCHING: &str = "search the texts";

/// Searches in a read-only transaction, while the memory of the process grows by at most so many bytes.
///
/// # Errors
/// When the SELECT is not one, DuckDB rejects it or a pattern, or it takes too much memory.
pub(crate) fn search(link: &Link, query: &SearchQuery<'_>, memory: u64) -> Result<FoundTexts, QueryError> {
    check_question(link, query.sql)?;
    let (conditions, values) = conditions(query);
    // The SELECT has lines of its own, because it may end in a comment.
    let sql = format!(
        "SELECT system.main.epoch_us(time), session, CAST(part AS BIGINT), username, project, CAST(line AS BIGINT), kind, tool, text
         FROM (\n{}\n) AS texts WHERE {conditions} ORDER BY time DESC, session DESC, part DESC LIMIT {}",
        without_end(link.engine(), query.sql),
        query.limit.saturating_add(1),
    );
    let found = guarded(link, memory, || {
        let mut statement = link.prepare(&sql).doing(SEARCHING)?;
        let limits = QueryLimits {
            rows: query.limit,
            bytes: usize::MAX,
            memory,
        };
        fetch(&mut statement, &values, limits)
    })?;
    let rows = (1..).zip(&found.rows);
    Ok(FoundTexts {
        texts: rows.map(|(number, row)| text(number, row)).collect::<Result<_, _>>()?,
        has_older: found.truncated,
    })
}

/// The conditions of a query, and the values of their parameters.
fn conditions(query: &SearchQuery<'_>) -> (String, Vec<Value>) {
    let moment = |time: Timestamp| Value::Timestamp(TimeUnit::Microsecond, time.as_micros());
    let text = |text: &str| Value::Text(text.to_owned());
    let mut conditions = vec!["time IS NOT NULL AND session IS NOT NULL"];
    let mut values = Vec::new();
    let mut demand = |condition, of_it: Vec<Value>| {
        conditions.push(condition);
        values.extend(of_it);
    };
    if let Some(username) = query.username {
        demand("username = ?", vec![text(username)]);
    }
    if let Some(project) = query.project {
        demand("project = ?", vec![text(project)]);
    }
    if let Some(since) = query.since {
        demand("time >= ?::TIMESTAMP", vec![moment(since)]);
    }
    if let Some(until) = query.until {
        demand("time < ?::TIMESTAMP", vec![moment(until)]);
    }
    if let Some(before) = query.before {
        // DuckDB knows of each block of rows what times it has, so the first condition saves it most of them.
        demand(
            "time <= ?::TIMESTAMP AND (time < ?::TIMESTAMP OR session < ? OR session = ? AND part < ?)",
            vec![
                moment(before.time),
                moment(before.time),
                text(&before.session),
                text(&before.session),
                Value::BigInt(before.part),
            ],
        );
    }
    for pattern in &query.patterns {
        demand("system.main.regexp_matches(text, ?)", vec![text(pattern)]);
    }
    (conditions.join(" AND "), values)
}

fn text(number: usize, row: &[Box<RawValue>]) -> Result<FoundText, QueryError> {
    let micros = cell(number, row, 0)?;
    Ok(FoundText {
        place: TextPlace {
            time: Timestamp::from_micros(micros),
            session: cell(number, row, 1)?,
            part: cell::<Option<i64>>(number, row, 2)?.unwrap_or(0),
        },
        username: cell(number, row, 3)?,
        project: cell(number, row, 4)?,
        line: cell::<Option<i64>>(number, row, 5)?.unwrap_or(0),
        kind: cell::<Option<String>>(number, row, 6)?.unwrap_or_default(),
        tool: cell(number, row, 7)?,
        text: cell::<Option<String>>(number, row, 8)?.unwrap_or_default(),
    })
}

fn cell<T: DeserializeOwned>(number: usize, row: &[Box<RawValue>], place: usize) -> Result<T, QueryError> {
    let cell = row.get(place).and_then(|value| serde_json::from_str(value.get()).ok());
    cell.ok_or(QueryError::Row(number))
}

/// Tries a SELECT of texts without reading a row.
///
/// # Errors
/// When it cannot be run, or gives other columns.
pub(crate) fn check_searchable(link: &Link, sql: &str) -> Result<(), ReportRejected> {
    let column = |name, unit| ReportColumn::new(name, "", unit);
    let columns = [
        column("session", Unit::Text),
        column("username", Unit::Text),
        column("project", Unit::Text),
        column("time", Unit::Time),
        column("line", Unit::Count),
        column("part", Unit::Count),
        column("kind", Unit::Text),
        column("tool", Unit::Text),
        column("text", Unit::Text),
    ];
    check_columns(link, sql, &columns)
}

#[cfg(test)]
mod tests;
