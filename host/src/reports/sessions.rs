//! The list of sessions, with the columns that reports add to it.

use session_plugin_api::{Report, Unit};

use super::{
    asked::AskedReport,
    error::ReportError,
    registry::{Registered, of_sessions},
    result::ReportResult,
    run::result,
};
use crate::{
    config::Settings,
    dates::{self, InvalidDate},
    plugins::Catalogue,
    state::{
        Figure, FigureCondition, ListedSession, QueryError, QueryLimits, Reader, ReportAnswer, ReportParameters,
        SessionOrder, SessionPlace, SessionStanding, SessionsQuery, StateError, WantedFigure,
    },
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

/// Which sessions are listed, as people write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedSessions {
    /// The user.
    pub user: Option<String>,
    /// What the key contains.
    pub text: Option<String>,
    /// The first day, or a time.
    pub since: Option<String>,
    /// The last day, or a time before which they end.
    pub until: Option<String>,
    /// Which of them, as to failures.
    pub standing: SessionStanding,
    /// The names of columns, each with the number that it reaches or the text that it contains.
    pub figures: Vec<(String, String)>,
    /// `changed`, `attempted`, or the name of a column.
    pub sort: Option<String>,
    /// The session after which the page begins.
    pub after: Option<SessionPlace>,
}

/// A page of the list.
#[derive(Debug)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<ListedSession>,
    /// What each report says of them: a row for each session, in their order.
    pub figures: Vec<ReportResult>,
    /// The place after which the next page begins, if there is one.
    pub next: Option<SessionPlace>,
    /// Why reports say nothing.
    pub silent: Vec<String>,
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
    /// The beginning or the end is no date.
    #[error(transparent)]
    Date(#[from] InvalidDate),
    /// The parameters of reports cannot be set.
    #[error(transparent)]
    Parameters(ReportError),
    /// The state cannot be read, or a SELECT fails.
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
    let reports = of_sessions(catalogue);
    reports.iter().flat_map(columns).map(|(column, _)| column).collect()
}

/// The columns that a report adds, with their names in its SELECT.
fn columns<'a>(registered: &'a Registered<'_>) -> impl Iterator<Item = (SessionColumn, &'a str)> {
    let columns = registered.checked.report.columns().iter();
    let others = columns.filter(|column| column.name() != Report::SESSION_COLUMN);
    others.map(|column| {
        let listed = SessionColumn {
            name: format!("{}.{}", registered.processor.name(), column.name()),
            label: column.label().to_owned(),
            unit: column.unit(),
        };
        (listed, column.name())
    })
}

/// A page of the list with `most` sessions.
///
/// # Errors
/// When it is asked for something that there is not, or the state cannot be read.
pub fn sessions(
    catalogue: &Catalogue,
    settings: &Settings,
    reader: &Reader,
    asked: &AskedSessions,
    most: usize,
    limits: QueryLimits,
) -> Result<SessionPage, SessionsError> {
    let reports = of_sessions(catalogue);
    let parameters = AskedReport::default()
        .parameters(settings)
        .map_err(SessionsError::Parameters)?;
    // One more tells that there are more.
    let query = query(&reports, settings, asked, most.saturating_add(1))?;
    let mut places = reader.session_places(&query, &parameters, limits)?;
    let has_more = places.len() > most;
    places.truncate(most);
    let next = places.last().filter(|_| has_more).cloned();
    // A report that names a session twice would list it twice.
    places.dedup_by(|one, other| one.key == other.key);
    let sessions = reader.listed_sessions(&places, limits)?;
    let (mut figures, mut silent) = (Vec::new(), Vec::new());
    for registered in &reports {
        match figures_of(registered, reader, &sessions, &places, &parameters, limits) {
            Ok(result) => figures.push(result),
            Err(error) => silent.push(format!("{} says nothing: {error}", registered.name)),
        }
    }
    Ok(SessionPage {
        sessions,
        figures,
        next,
        silent,
    })
}

fn query<'a>(
    reports: &'a [Registered<'_>],
    settings: &Settings,
    asked: &'a AskedSessions,
    most: usize,
) -> Result<SessionsQuery<'a>, SessionsError> {
    let zone = settings.timezone.rules();
    let beginning = |text| dates::beginning_in(text, zone);
    let end = |text| dates::end_in(text, zone);
    let conditions = asked
        .figures
        .iter()
        .map(|(name, value)| condition(reports, name, value));
    Ok(SessionsQuery {
        user: asked.user.as_deref(),
        text: asked.text.as_deref(),
        since: asked.since.as_deref().map(beginning).transpose()?,
        until: asked.until.as_deref().map(end).transpose()?,
        standing: asked.standing,
        conditions: conditions.collect::<Result<_, _>>()?,
        order: match asked.sort.as_deref() {
            None | Some("changed") => SessionOrder::Changed,
            Some("attempted") => SessionOrder::Attempted,
            Some(name) => SessionOrder::Figure(figure(reports, name)?.0),
        },
        after: asked.after.as_ref(),
        most,
    })
}

fn condition<'a>(
    reports: &'a [Registered<'_>],
    name: &str,
    value: &'a str,
) -> Result<FigureCondition<'a>, SessionsError> {
    let (figure, unit) = figure(reports, name)?;
    let wanted = match unit.is_numeric() {
        false => WantedFigure::Containing(value),
        true => {
            let number: Option<f64> = value.trim().parse().ok().filter(|number: &f64| number.is_finite());
            WantedFigure::AtLeast(number.ok_or_else(|| SessionsError::Number {
                column: name.to_owned(),
                text: value.to_owned(),
            })?)
        }
    };
    Ok(FigureCondition { figure, wanted })
}

/// The column that a name means.
fn figure<'a>(reports: &'a [Registered<'_>], name: &str) -> Result<(Figure<'a>, Unit), SessionsError> {
    let all = || {
        let of_report = |registered: &'a Registered<'_>| columns(registered).map(move |column| (registered, column));
        reports.iter().flat_map(of_report)
    };
    let found = all().find(|(_, (listed, _))| listed.name == name);
    let (registered, (listed, column)) = found.ok_or_else(|| SessionsError::Column {
        name: name.to_owned(),
        known: all().map(|(_, (listed, _))| listed.name).collect::<Vec<_>>().join(", "),
    })?;
    let sql = registered.checked.report.sql();
    Ok((Figure { sql, column }, listed.unit))
}

/// What a report says of sessions.
fn figures_of(
    registered: &Registered<'_>,
    reader: &Reader,
    sessions: &[ListedSession],
    places: &[SessionPlace],
    parameters: &ReportParameters,
    limits: QueryLimits,
) -> Result<ReportResult, QueryError> {
    let report = &registered.checked.report;
    let mut found = reader.session_figures(report, places, parameters, limits)?;
    let width = report.columns().len().saturating_sub(1);
    let nothing = || std::iter::repeat_with(|| serde_json::value::RawValue::NULL.to_owned());
    let rows = sessions.iter().map(|session| {
        let row = found.remove(&session.key);
        row.unwrap_or_else(|| nothing().take(width).collect())
    });
    let answer = ReportAnswer {
        rows: rows.collect(),
        totals: Vec::new(),
        truncated: false,
    };
    let mut result = result(registered.name.clone(), report, parameters.clone(), answer);
    result.columns.retain(|column| column.name != Report::SESSION_COLUMN);
    Ok(result)
}
