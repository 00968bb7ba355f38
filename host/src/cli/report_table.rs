//! The answer to a report as a table for people.

use super::{
    inspect_state::text_of,
    output::{self, Shown},
};
use crate::reports::ReportResult;

/// For whom the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A file or another program.
    Plain,
    /// A terminal, which understands bold letters.
    Terminal,
}

/// The answer as lines of at most `width` characters.
pub(super) fn render(result: &ReportResult, width: usize, style: Style) -> String {
    let title = result.title.shown();
    let title = match style {
        Style::Plain => title,
        Style::Terminal => format!("\u{1b}[1m{title}\u{1b}[0m"),
    };
    let labels = result.columns.iter().map(|column| column.label.clone()).collect();
    let rows = result
        .rows
        .iter()
        .map(|row| row.iter().map(|value| text_of(value)).collect());
    let totals = result
        .totals
        .iter()
        .map(|total| total.as_deref().map(text_of).unwrap_or_default());
    let has_totals = result.totals.iter().any(Option::is_some);
    let mut table = output::grid(labels, rows.chain(has_totals.then(|| totals.collect())));
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    let mut lines = vec![title, table.to_string()];
    if result.truncated {
        lines.push(format!("only the first {} rows are shown", result.rows.len()));
    }
    lines.extend(
        result
            .warnings
            .iter()
            .map(|warning| format!("warning: {}", warning.shown())),
    );
    lines.join("\n")
}
