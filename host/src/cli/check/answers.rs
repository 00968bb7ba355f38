//! Asks for all that a plugin offers over the rows of the transcripts: its reports, their warnings, the texts to search,
//! and its views.
//!
//! The host tries reports over no rows when it loads a plugin. A value may still be in the way of an answer, and so may
//! PostgreSQL, which gets parts of a SELECT only when rows are read.

use serde::Serialize;

use crate::{
    host::Host,
    plugins::Processor,
    reports::{self, AskedReport, Question, ReportError},
    state::{QueryError, QueryLimits, Reader, SearchQuery, StateError},
};

/// Something that has no answer.
#[derive(Serialize)]
pub(super) struct Unanswered {
    /// What was asked for.
    pub(super) asked: String,
    /// Why it has none.
    pub(super) reason: String,
}

/// Asks for everything, and gives what has no answer. What the host rejects is told elsewhere.
pub(super) fn find_unanswered(host: &Host, processor: &Processor) -> Result<Vec<Unanswered>, StateError> {
    let reader = host.state().reader()?;
    let mut unanswered = Vec::new();
    let mut note = |asked: String, reason: String| unanswered.push(Unanswered { asked, reason });
    for report in reports::list(&host.catalogue()) {
        if report.rejected.is_none()
            && let Err(error) = ask_for_report(host, &reader, &report.name, &report.filters)
        {
            note(format!("the report {}", report.name), error.to_string());
        }
    }
    if let Err(error) = search(processor, &reader) {
        note("the texts to search".to_owned(), error.to_string());
    }
    for view in reader.views_of(processor.name())? {
        if let Err(error) = reader.read_view(&view) {
            note(format!("the view {view}"), error.to_string());
        }
    }
    Ok(unanswered)
}

/// Asks for a report and its warnings, of everything and with all filters.
fn ask_for_report(host: &Host, reader: &Reader, name: &str, filters: &[String]) -> Result<(), ReportError> {
    let value = |filter: &str, value: &str| {
        let has_it = filters.iter().any(|known| known == filter);
        has_it.then(|| value.to_owned())
    };
    let filtered = AskedReport {
        since: value("since", "2000-01-01"),
        until: value("until", "2099-12-31"),
        username: value("username", "alice"),
        project: value("project", "project"),
        ..AskedReport::default()
    };
    let catalogue = host.catalogue();
    for asked in [AskedReport::default(), filtered] {
        let question = Question::of(&catalogue, host.settings(), reader, name, &asked, QueryLimits::NONE)?;
        question.figures()?;
        question.try_warnings()?;
    }
    Ok(())
}

fn search(processor: &Processor, reader: &Reader) -> Result<(), QueryError> {
    let Some(texts) = processor.reports().searchable() else {
        return Ok(());
    };
    if texts.rejected.is_some() {
        return Ok(());
    }
    let everything = SearchQuery::of_everything(&texts.sql, 100);
    reader.search(&everything, u64::MAX).map(drop)
}
