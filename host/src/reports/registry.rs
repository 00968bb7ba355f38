//! The reports of all loaded processors, and which one a name means.

use serde::{Deserialize, Serialize};
use session_plugin_api::ChartKind;

use super::error::ReportError;
use crate::{
    plugins::{Catalogue, CheckedReport, PluginFile, PluginStatus, Processor},
    similar::is_similar,
};

/// A report, as it is listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportListing {
    /// The full name, such as `usage.daily`.
    pub name: String,
    /// The processor.
    pub processor: String,
    /// The title.
    pub title: String,
    /// The description; empty if there is none.
    pub description: String,
    /// The filters that it has; empty if it is rejected, or the host has not tried it.
    pub filters: Vec<String>,
    /// Why it is rejected; `None` if it can be run.
    pub rejected: Option<String>,
}

/// A report of a processor in service.
pub(super) struct Registered<'a> {
    pub(super) name: String,
    pub(super) file: &'a PluginFile,
    pub(super) processor: &'a Processor,
    pub(super) checked: &'a CheckedReport,
}

/// The reports of the processors in service, also those that are rejected.
#[must_use]
pub fn list(catalogue: &Catalogue) -> Vec<ReportListing> {
    let reports = registered(catalogue).into_iter().map(|registered| ReportListing {
        name: registered.name,
        processor: registered.processor.name().to_string(),
        title: registered.checked.report.title().to_owned(),
        description: registered.checked.report.text().to_owned(),
        filters: registered.checked.filters.clone(),
        rejected: registered.checked.rejected.clone(),
    });
    reports.collect()
}

/// The SELECTs of all reports that can be run, and those of their warnings.
#[must_use]
pub fn selects(catalogue: &Catalogue) -> Vec<String> {
    let registered = registered(catalogue).into_iter();
    let reports = registered.filter(|registered| registered.checked.rejected.is_none());
    let warnings = catalogue
        .processors()
        .filter_map(|processor| processor.reports().warnings());
    let warnings = warnings.filter(|warnings| warnings.rejected.is_none());
    reports
        .map(|registered| registered.checked.report.sql().to_owned())
        .chain(warnings.map(|warnings| warnings.sql.clone()))
        .collect()
}

/// The names of the reports that people look at first, in their order.
#[must_use]
pub fn overview(catalogue: &Catalogue) -> Vec<String> {
    let mut ranked: Vec<(u32, String)> = registered(catalogue)
        .into_iter()
        .filter(|registered| registered.checked.rejected.is_none())
        .filter_map(|registered| Some((registered.checked.report.rank()?, registered.name)))
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, name)| name).collect()
}

/// The names of the reports that can be run and are drawn by day, those that people look at first before the others.
#[must_use]
pub fn daily(catalogue: &Catalogue) -> Vec<String> {
    let mut daily: Vec<(u32, String)> = registered(catalogue)
        .into_iter()
        .filter(|registered| registered.checked.rejected.is_none())
        .filter(|registered| {
            let chart = registered.checked.report.drawn_as();
            chart.is_some_and(|chart| chart.x() == "day" && chart.kind() != ChartKind::HeatMap)
        })
        .map(|registered| (registered.checked.report.rank().unwrap_or(u32::MAX), registered.name))
        .collect();
    daily.sort();
    daily.into_iter().map(|(_, name)| name).collect()
}

/// The reports that add columns to the list of sessions: the first one of each processor, unless it cannot be run now.
pub(super) fn of_sessions(catalogue: &Catalogue) -> Vec<Registered<'_>> {
    let mut found = registered(catalogue);
    found.retain(|registered| registered.checked.report.is_of_sessions());
    found.dedup_by(|one, other| one.processor.name() == other.processor.name());
    found.retain(|registered| registered.checked.rejected.is_none() && registered.file.pending.is_empty());
    found
}

/// The report that a name means: `usage.daily`, or `daily` if no other processor has one.
pub(super) fn find<'a>(catalogue: &'a Catalogue, name: &str) -> Result<Registered<'a>, ReportError> {
    let all = registered(catalogue);
    let mut known: Vec<String> = all.iter().map(|registered| registered.name.clone()).collect();
    known.sort();
    known.dedup();
    let is_meant = |registered: &Registered<'_>| registered.name == name || registered.checked.report.name() == name;
    let mut meant: Vec<Registered<'a>> = all.into_iter().filter(is_meant).collect();
    // A processor that gives a name to two reports has the first one only.
    meant.dedup_by(|one, other| one.name == other.name);
    if meant.len() > 1 {
        let names: Vec<String> = meant.into_iter().map(|registered| registered.name).collect();
        return Err(ReportError::Ambiguous {
            name: name.to_owned(),
            known: names.join(" or "),
        });
    }
    let found = meant.pop().ok_or_else(|| ReportError::Unknown {
        name: name.to_owned(),
        remedy: remedy(name, &known),
    })?;
    match &found.checked.rejected {
        Some(reason) => Err(ReportError::Rejected {
            name: found.name,
            reason: reason.clone(),
        }),
        None => Ok(found),
    }
}

fn registered(catalogue: &Catalogue) -> Vec<Registered<'_>> {
    let mut all = Vec::new();
    for file in catalogue.files() {
        if let PluginStatus::Loaded(processor) = &file.status {
            let reports = processor.reports().all().iter().map(|checked| Registered {
                name: format!("{}.{}", processor.name(), checked.report.name()),
                file,
                processor,
                checked,
            });
            all.extend(reports);
        }
    }
    all
}

fn remedy(name: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "no loaded processor has a report; `session-host processors` lists the plugins".to_owned();
    }
    let near = known.iter().filter(|full| is_near(name, full)).map(String::as_str);
    match near.take(3).collect::<Vec<_>>().as_slice() {
        [] => "`session-host report` lists all".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    }
}

/// Whether a name may be a misspelling of a report's full name, or of its short one.
fn is_near(name: &str, full: &str) -> bool {
    match (name.split_once('.'), full.split_once('.')) {
        (Some((processor, report)), Some((known_processor, known))) => {
            is_similar(processor, known_processor) && is_similar(report, known)
        }
        (None, Some((_, known))) => is_similar(name, known),
        (_, None) => false,
    }
}
