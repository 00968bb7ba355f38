//! The answer to a report as a table for people: heading, rows, sums and bars, and what the table leaves out.

mod bars;
mod heading;
mod layout;
mod wrapping;

use std::io;

use anstream::{AutoStream, ColorChoice};
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use self::{
    bars::Bars,
    layout::{Column, GAP, Layout},
    wrapping::wrapped,
};
use super::output::Shown;
use crate::reports::{Cells, ReportResult};

const BOLD: anstyle::Style = anstyle::Style::new().bold();
const FAINT: anstyle::Style = anstyle::Style::new().dimmed();

/// How a table looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Without colours: for a file, another program, or a person who sets `NO_COLOR`.
    Plain,
    /// With colours, for a terminal.
    Coloured,
}

/// The answer as lines of at most `width` columns, unless the columns that never give way are wider.
pub(super) fn render(result: &ReportResult, width: usize, style: Style) -> String {
    let told = |text: &str, letters| {
        wrapped(text, width)
            .into_iter()
            .map(move |line| style.paint(&line, letters))
    };
    let mut lines: Vec<String> = told(&heading::of(result), BOLD).collect();
    if result.rows.is_empty() {
        lines.push("no rows".to_owned());
    } else {
        let cells = Cells::of(result);
        let bars = Bars::of(result);
        let layout = Layout::of(result, &cells, bars.is_some(), width);
        lines.extend(table(&cells, bars.as_ref(), &layout, style));
        lines.extend(layout.told_hidden(result).iter().flat_map(|text| told(text, FAINT)));
    }
    if result.truncated {
        let shown = result.rows.len();
        let rows = match shown {
            1 => "only the first row is shown".to_owned(),
            shown => format!("only the first {shown} rows are shown"),
        };
        let text = format!("{rows}; the sums count all rows");
        lines.extend(told(&text, FAINT));
    }
    for warning in &result.warnings {
        lines.extend(wrapped(&format!("warning: {}", warning.shown()), width));
    }
    lines.join("\n")
}

impl Style {
    /// Colours only for a terminal that has them, and only if no variable such as `NO_COLOR` turns them off.
    pub(super) fn of_stdout() -> Self {
        match AutoStream::choice(&io::stdout()) {
            ColorChoice::Never => Self::Plain,
            _ => Self::Coloured,
        }
    }

    /// A line or a word in other letters, if there are colours.
    pub(super) fn paint(self, line: &str, letters: anstyle::Style) -> String {
        match self {
            Self::Plain => line.to_owned(),
            Self::Coloured => format!("{letters}{line}{letters:#}"),
        }
    }
}

fn table(cells: &Cells, bars: Option<&Bars>, layout: &Layout, style: Style) -> Vec<String> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    match style {
        Style::Plain => table.force_no_tty(),
        Style::Coloured => table.enforce_styling(),
    };
    let rule = || layout.columns.iter().map(|column| Cell::new("─".repeat(column.width)));
    table.set_header(
        layout
            .columns
            .iter()
            .map(|column| cell(column, &cells.labels[column.place])),
    );
    table.add_row(rule());
    for (place, row) in cells.rows.iter().enumerate() {
        let bar = bars.zip(layout.bar).map(|(bars, width)| bars.draw(place, width));
        let bar = bar.map(|bar| Cell::new(bar).fg(Color::Cyan));
        table.add_row(
            layout
                .columns
                .iter()
                .map(|column| cell(column, &row[column.place]))
                .chain(bar),
        );
    }
    if let Some(totals) = &cells.totals {
        table.add_row(rule());
        table.add_row(layout.columns.iter().map(|column| cell(column, &totals[column.place])));
    }
    // Spaces behind the last column would be part of its colour, and wider than the terminal.
    let last = table.column_count().saturating_sub(1);
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if place == last { 0 } else { GAP }));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// A cell within the width of its column.
fn cell(column: &Column, text: &str) -> Cell {
    Cell::new(column.fitted(text)).set_alignment(match column.is_numeric {
        true => CellAlignment::Right,
        false => CellAlignment::Left,
    })
}
