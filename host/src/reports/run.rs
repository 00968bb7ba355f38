//! Runs a report.
//!
//! Its figures and its warnings are two questions, because not all who want the figures show the warnings.

use session_plugin_api::{Order, Report};

use super::{
    asked::AskedReport,
    error::ReportError,
    registry::{Registered, find},
    result::{ReportResult, ResultColumn},
};
use crate::{
    clock,
    config::Settings,
    names::ProcessorName,
    plugins::Catalogue,
    state::{QueryError, QueryLimits, Reader, ReportAnswer, ReportParameters, ReportQuery},
};

/// A report that somebody asks for: which one, of what, and where it is computed.
pub struct Question<'a> {
    found: Registered<'a>,
    asked: &'a AskedReport,
    parameters: ReportParameters,
    reader: &'a Reader,
    limits: QueryLimits,
}

/// Runs the report that `name` means.
///
/// # Errors
/// When there is no such report, it is asked for something that it cannot answer, or its SELECT fails.
pub fn run(
    catalogue: &Catalogue,
    settings: &Settings,
    reader: &Reader,
    name: &str,
    asked: &AskedReport,
    limits: QueryLimits,
) -> Result<ReportResult, ReportError> {
    let question = Question::of(catalogue, settings, reader, name, asked, limits)?;
    let result = question.figures()?;
    Ok(ReportResult {
        warnings: question.warnings(),
        ..result
    })
}

impl<'a> Question<'a> {
    /// Asks for the report that `name` means.
    ///
    /// # Errors
    /// When there is no such report, or it is asked for something that it cannot answer.
    pub fn of(
        catalogue: &'a Catalogue,
        settings: &Settings,
        reader: &'a Reader,
        name: &str,
        asked: &'a AskedReport,
        limits: QueryLimits,
    ) -> Result<Self, ReportError> {
        let found = find(catalogue, name)?;
        if !found.file.pending.is_empty() {
            return Err(ReportError::Pending {
                processor: found.processor.name().to_string(),
            });
        }
        match asked.limit {
            Some(0) => return Err(ReportError::NoRow),
            Some(limit) if limit > limits.rows => return Err(ReportError::TooManyRows(limits.rows)),
            _ => {}
        }
        Ok(Self {
            found,
            asked,
            parameters: asked.parameters(settings)?,
            reader,
            limits,
        })
    }

    /// The processor of the report.
    #[must_use]
    pub fn processor(&self) -> &'a ProcessorName {
        self.found.processor.name()
    }

    /// The answer without its warnings, which may take longer than all else: the host computes with figures and shows no
    /// warning.
    ///
    /// # Errors
    /// When the SELECT fails, or has no such column to sort by.
    pub fn figures(&self) -> Result<ReportResult, ReportError> {
        let report = &self.found.checked.report;
        let query = ReportQuery {
            sql: report.sql(),
            columns: report.columns(),
            order: order(&self.found, self.asked)?,
            limit: self.asked.limit,
        };
        let answer = self
            .reader
            .report(&query, &self.parameters, self.limits)
            .map_err(|error| why(&self.found, self.reader, error))?;
        Ok(ReportResult {
            as_of: self.reader.as_of().map(clock::text_of),
            ..result(self.found.name.clone(), report, self.parameters.clone(), answer)
        })
    }

    /// What people should know about the numbers. It is the same for all reports of the processor.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let unknown = |reason: &str| vec![format!("the warnings of {} are unknown: {reason}", self.processor())];
        let warnings = self.found.processor.reports().warnings();
        match warnings.and_then(|warnings| warnings.rejected.as_deref()) {
            Some(reason) => unknown(reason),
            None => self
                .try_warnings()
                .unwrap_or_else(|error| unknown(first_line(&error.to_string()))),
        }
    }

    /// The warnings, unless their SELECT is rejected.
    ///
    /// # Errors
    /// When the SELECT fails.
    pub fn try_warnings(&self) -> Result<Vec<String>, QueryError> {
        match self.found.processor.reports().warnings() {
            Some(warnings) if warnings.rejected.is_none() => {
                self.reader
                    .report_warnings(&warnings.sql, &self.parameters, self.limits)
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// Why a report has no answer. If nobody has tried it, its trial says more than DuckDB.
fn why(found: &Registered<'_>, reader: &Reader, error: QueryError) -> ReportError {
    let name = found.name.clone();
    match error {
        QueryError::Filter { asked, known } => {
            let known = match known.as_slice() {
                [] => "it has none".to_owned(),
                known => format!("it has {}", known.join(", ")),
            };
            ReportError::Filter { name, asked, known }
        }
        QueryError::State(_) | QueryError::Refused(_) | QueryError::UnknownParameter(_) => {
            match reader.check_report(&found.checked.report) {
                Err(rejected) => ReportError::Rejected {
                    name,
                    reason: first_line(&rejected.to_string()).to_owned(),
                },
                Ok(_) => error.into(),
            }
        }
        error => error.into(),
    }
}

/// The first line of an error; DuckDB adds the place in the SELECT.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The columns by which the rows are sorted: what is asked for, then what the report says.
fn order<'a>(found: &'a Registered<'_>, asked: &'a AskedReport) -> Result<Vec<(&'a str, Order)>, ReportError> {
    let report = &found.checked.report;
    let mut order = Vec::new();
    if let Some((column, direction)) = asked.sorted_by() {
        let mut columns = report.columns().iter().map(session_plugin_api::ReportColumn::name);
        if columns.all(|known| known != column) {
            let columns = report.columns().iter().map(|column| column.name().to_owned());
            return Err(ReportError::Order {
                name: found.name.clone(),
                column: column.to_owned(),
                known: columns.collect::<Vec<_>>().join(", "),
            });
        }
        order.push((column, direction));
    }
    for (column, direction) in report.sorted_by() {
        if order.iter().all(|(known, _)| *known != column) {
            order.push((column, direction));
        }
    }
    Ok(order)
}

pub(super) fn result(
    name: String,
    report: &Report,
    parameters: ReportParameters,
    answer: ReportAnswer,
) -> ReportResult {
    let columns = report.columns().iter().map(|column| ResultColumn {
        name: column.name().to_owned(),
        label: column.label().to_owned(),
        unit: column.unit(),
        summed: column.is_summed(),
        gives_way: column.turn_to_go(),
    });
    ReportResult {
        report: name,
        title: report.title().to_owned(),
        description: report.text().to_owned(),
        timezone: parameters.zone.name().to_owned(),
        as_of: None,
        since: parameters.since.map(clock::text_of),
        until: parameters.until.map(clock::text_of),
        username: parameters.username,
        project: parameters.project,
        columns: columns.collect(),
        chart: report.drawn_as().cloned(),
        rows: answer.rows,
        totals: answer.totals,
        truncated: answer.truncated,
        warnings: Vec::new(),
    }
}
