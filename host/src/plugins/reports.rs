//! The reports of a processor. A bad report is rejected, and costs neither the plugin nor its other reports.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use session_plugin_api::{Descriptor, Report};

use super::passed_trials::PassedReports;
use crate::{
    names::{ProcessorName, is_name},
    state::{Reader, ReportRejected},
};

/// The reports of a processor, and what became of each when the plugin was loaded.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    checked: Vec<CheckedReport>,
    warnings: Option<CheckedSelect>,
    searchable: Option<CheckedSelect>,
}

/// Tries the reports of a processor.
pub(super) type ReportTrial = Box<dyn FnOnce() -> Reports + Send>;

/// A report, and why it is rejected.
#[derive(Clone, Debug)]
pub struct CheckedReport {
    /// The report.
    pub report: Report,
    /// The filters that its SELECT names; empty if the host has not tried it.
    pub filters: Vec<String>,
    /// Why it is rejected, in one line; `None` if it can be run.
    pub rejected: Option<String>,
}

/// A SELECT beside the reports, and why it is rejected: that of the warnings of every report, or of the texts to search.
#[derive(Clone, Debug)]
pub struct CheckedSelect {
    /// The SELECT.
    pub sql: String,
    /// Why it is rejected, in one line; `None` if it can be run.
    pub rejected: Option<String>,
}

/// A rejected report, as plugins list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedReport {
    /// Its name.
    pub report: String,
    /// Why.
    pub reason: String,
}

/// What a rejected SELECT of warnings is listed as.
const WARNINGS: &str = "report_warnings";

/// What a rejected SELECT of texts is listed as. No report has this name.
const SEARCHABLE: &str = "texts to search";

/// Why the declaration of a report is rejected.
#[derive(Debug, thiserror::Error)]
enum Misdeclared {
    #[error("`{0}` is not the name of a report: it must match [a-z][a-z0-9_-]*")]
    Name(String),
    #[error("another report of the processor has this name: rename one of them")]
    NameTaken,
    #[error("its {0} must be one line of text")]
    Line(&'static str),
    #[error("it declares no column")]
    NoColumn,
    #[error("it declares two columns `{0}`")]
    ColumnTwice(String),
    #[error("its {part} names a column `{column}` that it does not declare")]
    NoSuchColumn { part: &'static str, column: String },
}

impl Reports {
    /// Checks the reports of a processor. Without a `reader`, whose tables are those of the processor, the SELECTs are
    /// not tried, nor are those that are `known` to pass.
    pub(super) fn check(
        processor: &ProcessorName,
        descriptor: &Descriptor,
        reader: Option<&Reader>,
        known: &BTreeMap<String, Vec<String>>,
    ) -> Self {
        let mut names = HashSet::new();
        let checked = descriptor.reports().iter().map(|report| {
            let is_first = names.insert(report.name());
            let filters = filters(report, is_first, reader, known);
            CheckedReport {
                report: report.clone(),
                rejected: filters.as_ref().err().cloned(),
                filters: filters.unwrap_or_default(),
            }
        });
        let select = |sql: &str, name, check: fn(&Reader, &str) -> Result<(), ReportRejected>| {
            let untried = reader.filter(|_| !known.contains_key(name));
            CheckedSelect {
                sql: sql.to_owned(),
                rejected: untried.and_then(|reader| check(reader, sql).err().as_ref().map(reason)),
            }
        };
        let warnings = descriptor.warnings_of_reports();
        let searchable = descriptor.texts_to_search();
        let reports = Self {
            checked: checked.collect(),
            warnings: warnings.map(|sql| select(sql, WARNINGS, Reader::check_report_warnings)),
            searchable: searchable.map(|sql| select(sql, SEARCHABLE, Reader::check_searchable)),
        };
        if reader.is_some() {
            reports.warn_of_rejected(processor);
        }
        reports
    }

    fn warn_of_rejected(&self, processor: &ProcessorName) {
        for RejectedReport { report, reason } in self.rejected() {
            tracing::warn!(%processor, report, "the report is rejected: {reason}");
        }
    }

    /// The reports that are not rejected, to be remembered.
    pub(super) fn passed(&self) -> PassedReports {
        let passed = self.checked.iter().filter(|checked| checked.rejected.is_none());
        let reports = passed.map(|checked| (checked.report.name().to_owned(), checked.filters.clone()));
        let selects = self.selects().filter(|(_, select)| select.rejected.is_none());
        let selects = selects.map(|(name, _)| (name.to_owned(), Vec::new()));
        PassedReports::found(reports.chain(selects).collect())
    }

    /// Every report, in the order of the plugin.
    #[must_use]
    pub fn all(&self) -> &[CheckedReport] {
        &self.checked
    }

    /// The SELECT that gives the warnings of every report.
    #[must_use]
    pub fn warnings(&self) -> Option<&CheckedSelect> {
        self.warnings.as_ref()
    }

    /// The SELECT that gives the texts to search.
    #[must_use]
    pub fn searchable(&self) -> Option<&CheckedSelect> {
        self.searchable.as_ref()
    }

    /// The SELECTs beside the reports, with what they are listed as.
    fn selects(&self) -> impl Iterator<Item = (&'static str, &CheckedSelect)> {
        let warnings = self.warnings.iter().map(|select| (WARNINGS, select));
        warnings.chain(self.searchable.iter().map(|select| (SEARCHABLE, select)))
    }

    /// The rejected ones.
    #[must_use]
    pub fn rejected(&self) -> Vec<RejectedReport> {
        let reports = self
            .checked
            .iter()
            .map(|checked| (checked.report.name(), &checked.rejected));
        let selects = self.selects().map(|(name, select)| (name, &select.rejected));
        let rejected = reports.chain(selects).filter_map(|(name, rejected)| {
            Some(RejectedReport {
                report: name.to_owned(),
                reason: rejected.clone()?,
            })
        });
        rejected.collect()
    }
}

/// The filters of a report, or why it is rejected.
fn filters(
    report: &Report,
    is_first: bool,
    reader: Option<&Reader>,
    known: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<String>, String> {
    check_declaration(report, is_first).map_err(|error| error.to_string())?;
    match (known.get(report.name()), reader) {
        (Some(filters), _) => Ok(filters.clone()),
        (None, Some(reader)) => reader.check_report(report).map_err(|error| reason(&error)),
        (None, None) => Ok(Vec::new()),
    }
}

/// The first line of an error; DuckDB adds the place in the SELECT.
fn reason(error: &ReportRejected) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

fn check_declaration(report: &Report, is_first: bool) -> Result<(), Misdeclared> {
    if !is_name(report.name()) {
        return Err(Misdeclared::Name(report.name().to_owned()));
    }
    if !is_first {
        return Err(Misdeclared::NameTaken);
    }
    let is_line = |text: &str| !text.contains(['\n', '\r']);
    if report.title().is_empty() || !is_line(report.title()) {
        return Err(Misdeclared::Line("title"));
    }
    if !is_line(report.text()) {
        return Err(Misdeclared::Line("description"));
    }
    check_columns(report)
}

fn check_columns(report: &Report) -> Result<(), Misdeclared> {
    if report.columns().is_empty() {
        return Err(Misdeclared::NoColumn);
    }
    let mut declared = HashSet::new();
    for column in report.columns() {
        if !declared.insert(column.name()) {
            return Err(Misdeclared::ColumnTwice(column.name().to_owned()));
        }
    }
    let order = report.sorted_by().map(|(column, _)| ("order", column));
    let chart = report.drawn_as().into_iter().flat_map(|chart| chart.columns());
    let session = report
        .is_of_sessions()
        .then_some(("list of sessions", Report::SESSION_COLUMN));
    let named = order.chain(chart.map(|column| ("chart", column))).chain(session);
    let mut unknown = named.filter(|(_, column)| !declared.contains(column));
    match unknown.next() {
        Some((part, column)) => Err(Misdeclared::NoSuchColumn {
            part,
            column: column.to_owned(),
        }),
        None => Ok(()),
    }
}
