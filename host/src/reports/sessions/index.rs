//! All that is known of sessions at one time, to be filtered and sorted in memory.
//!
//! A page begins after a session that is already known, and not at a number: so nothing is shown twice or left out when
//! sessions are added meanwhile.

use std::cmp::Ordering;

use serde_json::value::RawValue;
use session_plugin_api::{Report, Timestamp, Unit};

use super::{AskedSessions, SessionColumn, SessionPlace, SessionStanding, SessionsError, columns};
use crate::{
    config::Settings,
    dates,
    plugins::Catalogue,
    reports::{
        asked::AskedReport,
        registry::{Registered, of_sessions},
        result::ReportResult,
        run::result,
    },
    state::{ListedSession, QueryError, QueryLimits, Reader, ReportAnswer, ReportParameters},
    zone::Zone,
};

/// All sessions with what reports say of them.
#[derive(Debug)]
pub struct SessionIndex {
    sessions: Vec<Indexed>,
    figures: Vec<Figures>,
    zone: Zone,
    silent: Vec<String>,
}

/// A session with the rows of all reports, in the order of [`SessionIndex::figures`].
#[derive(Debug)]
struct Indexed {
    session: ListedSession,
    values: Vec<Box<RawValue>>,
}

/// A report, whose columns begin at a place of each session's values.
#[derive(Debug)]
struct Figures {
    /// The report without rows.
    name: String,
    report: Report,
    parameters: ReportParameters,
    columns: Vec<SessionColumn>,
    begin: usize,
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

/// The value by which a session is sorted.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Time(i64),
    Number(f64),
    Text(String),
}

/// By what the list is sorted.
#[derive(Clone, Copy)]
enum Order {
    Changed,
    Attempted,
    Figure(usize, Unit),
}

/// What a column has to say.
enum Wanted {
    AtLeast(f64),
    Containing(String),
}

impl SessionIndex {
    /// Reads all sessions. A report that fails costs its own columns alone.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn read(
        catalogue: &Catalogue,
        settings: &Settings,
        reader: &Reader,
        limits: QueryLimits,
    ) -> Result<Self, SessionsError> {
        let parameters = AskedReport::default()
            .parameters(settings)
            .map_err(SessionsError::Parameters)?;
        let sessions = reader.all_sessions()?.into_iter();
        let mut index = Self {
            sessions: sessions
                .map(|session| Indexed {
                    session,
                    values: Vec::new(),
                })
                .collect(),
            figures: Vec::new(),
            zone: settings.timezone.clone(),
            silent: Vec::new(),
        };
        for registered in of_sessions(catalogue) {
            if let Err(error) = index.add(&registered, reader, &parameters, limits) {
                index.silent.push(format!("{} says nothing: {error}", registered.name));
            }
        }
        Ok(index)
    }

    /// Adds what a report says.
    fn add(
        &mut self,
        registered: &Registered<'_>,
        reader: &Reader,
        parameters: &ReportParameters,
        limits: QueryLimits,
    ) -> Result<(), QueryError> {
        let report = &registered.checked.report;
        let mut found = reader.session_figures(report, parameters, limits)?;
        let columns = columns(registered);
        let begin = self.figures.last().map_or(0, |last| last.begin + last.columns.len());
        for Indexed { session, values } in &mut self.sessions {
            match found.remove(&session.key) {
                Some(row) => values.extend(row),
                None => values.extend(columns.iter().map(|_| RawValue::NULL.to_owned())),
            }
        }
        self.figures.push(Figures {
            name: registered.name.clone(),
            report: report.clone(),
            parameters: parameters.clone(),
            columns,
            begin,
        });
        Ok(())
    }

    /// A page with at most so many sessions.
    ///
    /// # Errors
    /// When it is asked for something that there is not.
    pub fn page(&self, asked: &AskedSessions, most: usize) -> Result<SessionPage, SessionsError> {
        let order = self.order(asked.sort.as_deref())?;
        let after = asked.after.as_ref().map(|place| order.place(place)).transpose()?;
        let is_chosen = self.chosen(asked)?;
        let mut found: Vec<(Value, &Indexed)> = self
            .sessions
            .iter()
            .filter(|indexed| is_chosen(indexed))
            .filter_map(|indexed| Some((order.of(indexed)?, indexed)))
            .filter(|(value, indexed)| {
                let key = indexed.session.key.as_str();
                let is_later = |(last, last_key): &(Value, &str)| compared((value, key), (last, *last_key)).is_gt();
                after.as_ref().is_none_or(is_later)
            })
            .collect();
        let by_place = |one: &(Value, &Indexed), other: &(Value, &Indexed)| {
            compared((&one.0, &one.1.session.key), (&other.0, &other.1.session.key))
        };
        let has_more = found.len() > most;
        if has_more {
            found.select_nth_unstable_by(most, by_place);
            found.truncate(most);
        }
        found.sort_by(by_place);
        let next = found.last().filter(|_| has_more).map(|(value, indexed)| SessionPlace {
            value: value.to_string(),
            key: indexed.session.key.clone(),
        });
        let shown: Vec<&Indexed> = found.into_iter().map(|(_, indexed)| indexed).collect();
        Ok(SessionPage {
            figures: self.figures.iter().map(|figures| figures.of(&shown)).collect(),
            sessions: shown.into_iter().map(|indexed| indexed.session.clone()).collect(),
            next,
            silent: self.silent.clone(),
        })
    }

    fn order(&self, sort: Option<&str>) -> Result<Order, SessionsError> {
        Ok(match sort {
            None | Some("changed") => Order::Changed,
            Some("attempted") => Order::Attempted,
            Some(name) => {
                let (place, unit) = self.column(name)?;
                Order::Figure(place, unit)
            }
        })
    }

    /// The place of a column among the values of a session, and what it holds.
    fn column(&self, name: &str) -> Result<(usize, Unit), SessionsError> {
        let columns = || {
            self.figures
                .iter()
                .flat_map(|figures| (figures.begin..).zip(&figures.columns))
        };
        let found = columns().find(|(_, column)| column.name == name);
        let (place, column) = found.ok_or_else(|| SessionsError::Column {
            name: name.to_owned(),
            known: columns()
                .map(|(_, column)| column.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        Ok((place, column.unit))
    }

    /// Whether a session is one of those that are asked for.
    fn chosen(&self, asked: &AskedSessions) -> Result<impl Fn(&Indexed) -> bool, SessionsError> {
        let rules = self.zone.rules();
        let since = asked
            .since
            .as_deref()
            .map(|text| dates::beginning_in(text, rules))
            .transpose()?;
        let until = asked
            .until
            .as_deref()
            .map(|text| dates::end_in(text, rules))
            .transpose()?;
        let wanted = asked.figures.iter().map(|(name, value)| self.wanted(name, value));
        let wanted: Vec<(usize, Wanted)> = wanted.collect::<Result<_, _>>()?;
        let text = asked.text.as_deref().map(str::to_lowercase);
        let (user, standing) = (asked.user.clone(), asked.standing);
        Ok(move |Indexed { session, values }: &Indexed| {
            let changed = changed(session);
            since.is_none_or(|since| changed >= since)
                && until.is_none_or(|until| changed < until)
                && (standing == SessionStanding::Any || session.failing.is_some())
                && user.as_deref().is_none_or(|user| is_of(session, user))
                && text
                    .as_deref()
                    .is_none_or(|text| session.key.to_lowercase().contains(text))
                && wanted
                    .iter()
                    .all(|(place, wanted)| wanted.fits(values.get(*place).map(|value| &**value)))
        })
    }

    fn wanted(&self, name: &str, value: &str) -> Result<(usize, Wanted), SessionsError> {
        let (place, unit) = self.column(name)?;
        if !unit.is_numeric() {
            return Ok((place, Wanted::Containing(value.to_lowercase())));
        }
        let number: Option<f64> = value.trim().parse().ok().filter(|number: &f64| number.is_finite());
        let number = number.ok_or_else(|| SessionsError::Number {
            column: name.to_owned(),
            text: value.to_owned(),
        })?;
        Ok((place, Wanted::AtLeast(number)))
    }
}

/// When a session was last written, or last attempted where nobody has recorded that.
fn changed(session: &ListedSession) -> Timestamp {
    session.changed.unwrap_or(session.attempted)
}

/// Whether a session is recorded for a user, or lies in the user's folder.
fn is_of(session: &ListedSession, user: &str) -> bool {
    let folder = session.key.split_once('/').map(|(folder, _)| folder);
    session.username.as_deref() == Some(user) || folder == Some(user)
}

/// The largest value first, then the last key.
fn compared(one: (&Value, &str), other: (&Value, &str)) -> Ordering {
    let by_value = match (other.0, one.0) {
        (Value::Time(one), Value::Time(other)) => one.cmp(other),
        (Value::Number(one), Value::Number(other)) => one.total_cmp(other),
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        // One list has values of one kind.
        _ => Ordering::Equal,
    };
    by_value.then_with(|| other.1.cmp(one.1))
}

impl std::fmt::Display for Value {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Time(micros) => write!(formatter, "{micros}"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

impl Order {
    /// The value of a session, if it has one.
    fn of(self, Indexed { session, values }: &Indexed) -> Option<Value> {
        match self {
            Self::Changed => Some(Value::Time(changed(session).as_micros())),
            Self::Attempted => Some(Value::Time(session.attempted.as_micros())),
            Self::Figure(place, unit) if unit.is_numeric() => number(values.get(place)?).map(Value::Number),
            Self::Figure(place, _) => text(values.get(place)?).map(Value::Text),
        }
    }

    /// A place as it stands in an address.
    fn place(self, place: &SessionPlace) -> Result<(Value, &str), SessionsError> {
        let unknown = || SessionsError::Place(place.value.clone());
        let value = match self {
            Self::Changed | Self::Attempted => Value::Time(place.value.parse().map_err(|_| unknown())?),
            Self::Figure(_, unit) if unit.is_numeric() => Value::Number(place.value.parse().map_err(|_| unknown())?),
            Self::Figure(..) => Value::Text(place.value.clone()),
        };
        Ok((value, &place.key))
    }
}

fn number(value: &RawValue) -> Option<f64> {
    serde_json::from_str(value.get()).ok()
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

impl Wanted {
    fn fits(&self, value: Option<&RawValue>) -> bool {
        match self {
            Self::AtLeast(least) => value.and_then(number).is_some_and(|number| number >= *least),
            Self::Containing(part) => value
                .and_then(text)
                .is_some_and(|text| text.to_lowercase().contains(part)),
        }
    }
}

impl Figures {
    /// What the report says of sessions.
    fn of(&self, sessions: &[&Indexed]) -> ReportResult {
        let places = self.begin..self.begin + self.columns.len();
        let row = |indexed: &&Indexed| indexed.values.get(places.clone()).unwrap_or_default().to_vec();
        let answer = ReportAnswer {
            rows: sessions.iter().map(row).collect(),
            totals: Vec::new(),
            truncated: false,
        };
        let mut result = result(self.name.clone(), &self.report, self.parameters.clone(), answer);
        result.columns.retain(|column| column.name != Report::SESSION_COLUMN);
        result
    }
}

#[cfg(test)]
mod tests;
