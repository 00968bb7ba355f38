//! Keeps the summary for status bars.

use super::Host;
use crate::{
    clock,
    names::ProcessorName,
    reports::ReportError,
    summary::{SUMMARY_PROCESSOR, Summary, SummaryError},
};

impl Host {
    /// Writes the summary after a run that processed so many sessions, if the run or a new day changed its figures. A
    /// summary that cannot be written is logged: the run has succeeded.
    pub(super) fn keep_summary(&self, processor: &ProcessorName, processed: u64) {
        if processor.as_str() != SUMMARY_PROCESSOR || (processed == 0 && self.has_summary_of_today()) {
            return;
        }
        if let Err(error) = self.write_summary() {
            tracing::warn!("the status line keeps its old figures: {error}");
        }
    }

    fn has_summary_of_today(&self) -> bool {
        let known = Summary::read(&self.settings.data);
        known.is_ok_and(|known| known.is_some_and(|known| known.is_of_day(clock::now(), &self.settings.timezone)))
    }

    fn write_summary(&self) -> Result<(), SummaryError> {
        let reader = || self.state.reader().map_err(ReportError::from);
        let summary = Summary::of(&self.catalogue(), &self.settings, reader)?;
        summary.write(&self.settings.data)
    }
}
