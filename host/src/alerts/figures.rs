//! Reads figures from the reports of processors.

use serde::de::DeserializeOwned;

use crate::{
    host::Host,
    reports::{AskedReport, Question, ReportError, ReportResult, value},
    state::{QueryLimits, Reader},
};

/// The limits of a report: more users, projects and secrets than there are.
const LIMITS: QueryLimits = QueryLimits {
    rows: 100_000,
    bytes: 64 << 20,
    memory: 1 << 30,
};

/// Why a report does not give the figures.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoFigures {
    /// It cannot be run.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// It lacks a column.
    #[error("the report `{report}` has no column `{column}`: install the plugin of this version of session-host")]
    Column { report: &'static str, column: &'static str },
}

/// The answer to a report.
pub(super) struct Figures {
    report: &'static str,
    result: ReportResult,
}

impl Figures {
    /// Runs a report.
    ///
    /// # Errors
    /// When there is none of this name, or it cannot be run.
    pub(super) fn of(
        host: &Host,
        reader: &Reader,
        report: &'static str,
        asked: &AskedReport,
    ) -> Result<Self, NoFigures> {
        let catalogue = host.catalogue();
        let result = Question::of(&catalogue, host.settings(), reader, report, asked, LIMITS)?.figures()?;
        Ok(Self { report, result })
    }

    /// The values of two columns, row by row. Rows without one of them are left out.
    ///
    /// # Errors
    /// When the report has no such column.
    pub(super) fn columns<A: DeserializeOwned, B: DeserializeOwned>(
        &self,
        first: &'static str,
        second: &'static str,
    ) -> Result<Vec<(A, B)>, NoFigures> {
        let (first, second) = (self.place(first)?, self.place(second)?);
        let rows = self.result.rows.iter();
        let values = rows.filter_map(|row| Some((value(row, first)?, value(row, second)?)));
        Ok(values.collect())
    }

    /// The sum of a column over all rows; 0 if there are none.
    ///
    /// # Errors
    /// When the report has no such column.
    pub(super) fn total(&self, column: &'static str) -> Result<f64, NoFigures> {
        self.place(column)?;
        Ok(self.result.total(column).unwrap_or(0.0))
    }

    fn place(&self, column: &'static str) -> Result<usize, NoFigures> {
        self.result.place(column).ok_or(NoFigures::Column {
            report: self.report,
            column,
        })
    }
}
