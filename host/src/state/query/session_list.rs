//! The list of all sessions that the state knows, by pages.
//!
//! A page begins after a session that is already known, and not at a number: so nothing is shown twice or left out when
//! sessions are added meanwhile. The columns of a plugin come from a SELECT of its own, which is asked for the sessions of
//! the page alone, unless the list is sorted or filtered by it.

use std::collections::HashMap;

use serde_json::value::RawValue;
use session_plugin_api::{Report, ReportColumn, Timestamp};

use crate::state::{
    engine::{
        instance::Link,
        sql::{quoted, text},
    },
    error::Doing,
    judge::statement::{check_question, without_end},
    query::{
        ask::{QueryAnswer, QueryError, QueryLimits, fetch, guarded},
        reader::Reader,
        report::{ReportParameters, with_offsets},
    },
};

/// Which sessions are listed.
#[derive(Clone, Debug)]
pub struct SessionsQuery<'a> {
    /// The user that they are recorded for, or whose folder they lie in.
    pub user: Option<&'a str>,
    /// What their keys contain, in capitals or not.
    pub text: Option<&'a str>,
    /// When their transcripts were last written: at this time or later.
    pub since: Option<Timestamp>,
    /// And before this time.
    pub until: Option<Timestamp>,
    /// Which of them, as to failures.
    pub standing: SessionStanding,
    /// What the columns of plugins say of them.
    pub conditions: Vec<FigureCondition<'a>>,
    /// How they are sorted, the largest value first.
    pub order: SessionOrder<'a>,
    /// The session after which the page begins.
    pub after: Option<&'a SessionPlace>,
    /// How many there are at most.
    pub most: usize,
}

/// Which sessions, as to failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionStanding {
    /// All.
    #[default]
    Any,
    /// Those of which the last attempt of a processor failed.
    Failing,
}

/// A column of a plugin.
#[derive(Clone, Copy, Debug)]
pub struct Figure<'a> {
    /// The SELECT that gives it.
    pub sql: &'a str,
    /// Its name.
    pub column: &'a str,
}

/// What a column of a plugin has to say.
#[derive(Clone, Copy, Debug)]
pub struct FigureCondition<'a> {
    /// The column.
    pub figure: Figure<'a>,
    /// Its value.
    pub wanted: WantedFigure<'a>,
}

/// The values that are wanted.
#[derive(Clone, Copy, Debug)]
pub enum WantedFigure<'a> {
    /// Numbers from this one on.
    AtLeast(f64),
    /// Texts that contain this one, in capitals or not.
    Containing(&'a str),
}

/// How sessions are sorted.
#[derive(Clone, Copy, Debug)]
pub enum SessionOrder<'a> {
    /// By the time when the transcript was last written.
    Changed,
    /// By the time of the last attempt.
    Attempted,
    /// By a column of a plugin. Only sessions that have a value there are listed.
    Figure(Figure<'a>),
}

/// The place of a session in a sorted list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlace {
    /// The value by which the list is sorted, as DuckDB writes it.
    pub value: String,
    /// The key of the session.
    pub key: String,
}

/// A session of the list, as the host's own tables know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedSession {
    /// The key.
    pub key: String,
    /// The user that it is recorded for.
    pub username: Option<String>,
    /// The size of its transcript, in bytes.
    pub size: Option<u64>,
    /// When its transcript was last written, UTC.
    pub changed: Option<String>,
    /// When it was last processed, UTC.
    pub processed: Option<String>,
    /// The processors that have processed it, with spaces between them.
    pub processors: Option<String>,
    /// The processors whose last attempt failed, with spaces between them.
    pub failing: Option<String>,
}

/// The rows of a plugin's SELECT, by the keys of their sessions.
pub type FigureRows = HashMap<String, Vec<Box<RawValue>>>;

/// What the host is doing, for errors.
const LISTING: &str = "list the sessions";

/// Every record of a session: which, when it was last written, and when it was last attempted.
const RECORDS: &str = "
    (SELECT session_file, username, coalesce(file_mtime, processed_at) AS changed, processed_at AS attempted
     FROM main.session_processor_state
     UNION ALL
     SELECT session_file, username, coalesce(file_mtime, last_failed_at), last_failed_at
     FROM main.session_processor_failure) AS record";

impl Reader {
    /// The places of the sessions of a page, in their order.
    ///
    /// # Errors
    /// When a SELECT of a plugin is not one, exceeds a limit, or DuckDB rejects it.
    pub fn session_places(
        &self,
        asked: &SessionsQuery<'_>,
        parameters: &ReportParameters,
        limits: QueryLimits,
    ) -> Result<Vec<SessionPlace>, QueryError> {
        let figures = asked.conditions.iter().map(|condition| condition.figure);
        let sorted_by = match asked.order {
            SessionOrder::Figure(figure) => Some(figure),
            SessionOrder::Changed | SessionOrder::Attempted => None,
        };
        for figure in figures.chain(sorted_by) {
            check_question(&self.link, figure.sql)?;
        }
        let sql = with_offsets(&parameters.zone.offsets()) + &places_sql(&self.link, asked);
        let found = answered(&self.link, &sql, parameters, limits)?;
        Ok(found.rows.iter().filter_map(|row| place(row)).collect())
    }

    /// What the host's own tables know of these sessions, in the same order.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn listed_sessions(
        &self,
        places: &[SessionPlace],
        limits: QueryLimits,
    ) -> Result<Vec<ListedSession>, QueryError> {
        let sql = known_sql(&listed(places));
        let found = guarded(&self.link, limits.memory, || {
            let mut statement = self.link.prepare(&sql).doing(LISTING)?;
            fetch(&mut statement, &[], limits)
        })?;
        let sessions = found.rows.iter().filter_map(|row| session(row));
        let mut sessions: HashMap<String, ListedSession> =
            sessions.map(|session| (session.key.clone(), session)).collect();
        Ok(places.iter().filter_map(|place| sessions.remove(&place.key)).collect())
    }

    /// What a report says of sessions: the values of its other columns, in order, by the key of the session.
    ///
    /// # Errors
    /// When its SELECT is not one, exceeds a limit, or DuckDB rejects it.
    pub fn session_figures(
        &self,
        report: &Report,
        places: &[SessionPlace],
        parameters: &ReportParameters,
        limits: QueryLimits,
    ) -> Result<FigureRows, QueryError> {
        check_question(&self.link, report.sql())?;
        let sql = with_offsets(&parameters.zone.offsets()) + &figures_sql(&self.link, report, &listed(places));
        let found = answered(&self.link, &sql, parameters, limits)?;
        let rows = found.rows.into_iter().filter_map(|mut row| {
            let values = row.split_off(1.min(row.len()));
            Some((text_of(row.first()?)?, values))
        });
        Ok(rows.collect())
    }
}

fn place(row: &[Box<RawValue>]) -> Option<SessionPlace> {
    Some(SessionPlace {
        key: text_of(row.first()?)?,
        value: text_of(row.get(1)?)?,
    })
}

fn session(row: &[Box<RawValue>]) -> Option<ListedSession> {
    let text = |place: usize| row.get(place).and_then(|value| text_of(value));
    Some(ListedSession {
        key: text(0)?,
        username: text(1),
        size: row.get(2).and_then(|value| serde_json::from_str(value.get()).ok()),
        changed: text(3),
        processed: text(4),
        processors: text(5),
        failing: text(6),
    })
}

fn text_of(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

fn known_sql(keys: &str) -> String {
    format!(
        "SELECT session_file, system.main.max(username), system.main.max(file_size),
                CAST(system.main.max(file_mtime) AS VARCHAR), CAST(system.main.max(processed_at) AS VARCHAR),
                system.main.string_agg(processor, ' ' ORDER BY processor),
                system.main.string_agg(failing, ' ' ORDER BY failing)
         FROM (SELECT session_file, username, file_size, file_mtime, processed_at, processor_name AS processor,
                      NULL AS failing
               FROM main.session_processor_state WHERE session_file IN ({keys})
               UNION ALL
               SELECT session_file, username, file_size, file_mtime, NULL, NULL, processor_name
               FROM main.session_processor_failure WHERE session_file IN ({keys}))
         GROUP BY session_file"
    )
}

fn figures_sql(link: &Link, report: &Report, keys: &str) -> String {
    let session = quoted(Report::SESSION_COLUMN);
    let columns = report.columns().iter().map(ReportColumn::name);
    let columns = columns.filter(|column| *column != Report::SESSION_COLUMN);
    let selected: Vec<String> = [format!("CAST({session} AS VARCHAR)")]
        .into_iter()
        .chain(columns.map(quoted))
        .collect();
    format!(
        "SELECT {} FROM {} WHERE {session} IN ({keys})",
        selected.join(", "),
        relation(link, report.sql())
    )
}

fn answered(
    link: &Link,
    sql: &str,
    parameters: &ReportParameters,
    limits: QueryLimits,
) -> Result<QueryAnswer, QueryError> {
    guarded(link, limits.memory, || {
        let mut statement = link.prepare(sql).doing(LISTING)?;
        let values = parameters.values(&statement)?;
        fetch(&mut statement, &values, limits)
    })
}

/// A SELECT of a plugin as a relation. It has lines of its own, because it may end in a comment.
fn relation(link: &Link, sql: &str) -> String {
    format!("(\n{}\n) AS figure", without_end(link.engine(), sql))
}

/// The keys as a list for SQL, which is never empty.
fn listed(places: &[SessionPlace]) -> String {
    let keys = places.iter().map(|place| text(&place.key));
    let keys: Vec<String> = keys.chain(["NULL".to_owned()]).collect();
    keys.join(", ")
}

fn places_sql(link: &Link, asked: &SessionsQuery<'_>) -> String {
    let wanted = wanted(link, asked);
    let span = span(asked);
    let (place, from) = match asked.order {
        SessionOrder::Changed => ("changed", records(&wanted)),
        SessionOrder::Attempted => ("attempted", records(&wanted)),
        SessionOrder::Figure(Figure { sql, column }) => {
            let from = format!(
                "(SELECT {} AS session_file, {} AS figure, NULL AS changed FROM {})",
                quoted(Report::SESSION_COLUMN),
                quoted(column),
                relation(link, sql)
            );
            ("figure", from)
        }
    };
    let mut conditions = vec![format!("{place} IS NOT NULL")];
    match asked.order {
        SessionOrder::Figure(_) if wanted.is_empty() && span.is_empty() => {}
        SessionOrder::Figure(_) => conditions.push(format!(
            "session_file IN (SELECT session_file FROM {}{})",
            records(&wanted),
            where_all(&span)
        )),
        SessionOrder::Changed | SessionOrder::Attempted => conditions.extend(span),
    }
    if let Some(SessionPlace { value, key }) = asked.after {
        let (value, key) = (text(value), text(key));
        conditions.push(format!(
            "({place} < {value} OR ({place} = {value} AND session_file < {key}))"
        ));
    }
    format!(
        "SELECT session_file, CAST({place} AS VARCHAR) FROM {from} AS session{} ORDER BY {place} DESC, session_file DESC LIMIT {}",
        where_all(&conditions),
        asked.most
    )
}

/// The sessions that have a record which meets the conditions.
fn records(conditions: &[String]) -> String {
    format!(
        "(SELECT session_file, system.main.max(changed) AS changed, system.main.max(attempted) AS attempted
          FROM {RECORDS}{} GROUP BY session_file)",
        where_all(conditions)
    )
}

fn where_all(conditions: &[String]) -> String {
    match conditions {
        [] => String::new(),
        conditions => format!(" WHERE {}", conditions.join(" AND ")),
    }
}

/// What a record of a session has to meet.
fn wanted(link: &Link, asked: &SessionsQuery<'_>) -> Vec<String> {
    let contains = |value: &str, part: &str| {
        format!(
            "system.main.contains(system.main.lower({value}), system.main.lower({}))",
            text(part)
        )
    };
    let user = asked.user.map(|user| {
        format!(
            "(username = {} OR system.main.starts_with(session_file, {}))",
            text(user),
            text(&format!("{user}/"))
        )
    });
    let key = asked.text.map(|part| contains("session_file", part));
    let failing = (asked.standing == SessionStanding::Failing)
        .then(|| "session_file IN (SELECT session_file FROM main.session_processor_failure)".to_owned());
    let figures = asked.conditions.iter().map(|FigureCondition { figure, wanted }| {
        let column = quoted(figure.column);
        let condition = match wanted {
            WantedFigure::AtLeast(number) => format!("{column} >= CAST({} AS DOUBLE)", text(&number.to_string())),
            WantedFigure::Containing(part) => contains(&format!("CAST({column} AS VARCHAR)"), part),
        };
        let (session, relation) = (quoted(Report::SESSION_COLUMN), relation(link, figure.sql));
        format!("session_file IN (SELECT {session} FROM {relation} WHERE {condition})")
    });
    user.into_iter().chain(key).chain(failing).chain(figures).collect()
}

/// What the last change of a session has to meet.
fn span(asked: &SessionsQuery<'_>) -> Vec<String> {
    let bound = |sign: &str, time: Timestamp| {
        let micros = time.as_micros();
        format!("changed {sign} system.main.make_timestamp({micros})")
    };
    let since = asked.since.map(|since| bound(">=", since));
    let until = asked.until.map(|until| bound("<", until));
    since.into_iter().chain(until).collect()
}

#[cfg(test)]
mod tests;
