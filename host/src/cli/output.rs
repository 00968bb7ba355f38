//! Output for people and programs: data on stdout, errors on stderr.

use std::{
    io::{self, IsTerminal, Write},
    path,
};

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde::Serialize;

use crate::printable::{self, Printable};

/// Invalid use of the command line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

/// A value that can be printed for people, without characters that a terminal would interpret.
pub(super) trait Shown {
    /// The text, safe for a terminal.
    fn shown(&self) -> String;
}

/// One line.
impl Shown for str {
    fn shown(&self) -> String {
        Printable(self).to_string()
    }
}

/// One line.
impl Shown for String {
    fn shown(&self) -> String {
        self.as_str().shown()
    }
}

/// A path, in one line.
impl Shown for path::Display<'_> {
    fn shown(&self) -> String {
        Printable(self).to_string()
    }
}

/// Its cells are already escaped.
impl Shown for Table {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl<T: Shown + ?Sized> Shown for &T {
    fn shown(&self) -> String {
        (**self).shown()
    }
}

/// Prints a line, or a table.
pub(super) fn print(shown: impl Shown) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", shown.shown())
}

/// Prints lines of the host's own text, unescaped.
pub(super) fn print_block(lines: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{lines}")
}

/// Tells on stderr how far a command is.
pub(super) fn tell(line: &str) {
    // A command whose progress nobody can read still does its work.
    let _ = writeln!(io::stderr().lock(), "{}", line.shown());
}

/// Prints a value as JSON.
pub(super) fn print_json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    Ok(print_json_text(serde_json::to_string(value)?)?)
}

/// Prints a JSON text.
pub(super) fn print_json_text(text: String) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", printable::json(text))
}

/// Prints an error to stderr.
pub(super) fn complain(error: &anyhow::Error) {
    // The reader of stdout has left: that is no error.
    let is_closed_pipe = error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if !is_closed_pipe {
        // There is nowhere left to report that stderr cannot be written.
        let _ = writeln!(
            io::stderr().lock(),
            "session-host: {}",
            Printable(format_args!("{error:#}"))
        );
    }
}

/// The text of a cell: one line, or several whose breaks the host itself adds.
pub(super) struct Lines(Vec<String>);

impl From<String> for Lines {
    fn from(line: String) -> Self {
        Self(vec![line])
    }
}

impl<const N: usize> From<[String; N]> for Lines {
    fn from(lines: [String; N]) -> Self {
        Self(lines.into())
    }
}

impl Shown for Lines {
    fn shown(&self) -> String {
        let lines: Vec<String> = self.0.iter().map(Shown::shown).collect();
        lines.join("\n")
    }
}

/// A table for people; numbers are right-aligned.
pub(super) fn table<const N: usize, C: Into<Lines>>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [C; N]>,
) -> Table {
    grid(header.map(str::to_owned).to_vec(), rows.into_iter().map(Vec::from))
}

/// The width of a list if there is no terminal.
const WIDTH: u16 = 80;

/// The width of the terminal, or 80 columns if there is none.
pub(super) fn width() -> usize {
    Table::new().width().unwrap_or(WIDTH).into()
}

/// A table that fits the terminal, or 80 columns if there is none.
pub(super) fn fitted_table<const N: usize, C: Into<Lines>>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [C; N]>,
) -> Table {
    let mut table = table(header, rows);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table
}

/// Like [`table`], with any number of columns.
pub(super) fn grid<C: Into<Lines>>(header: Vec<String>, rows: impl IntoIterator<Item = Vec<C>>) -> Table {
    let mut table = Table::new();
    let header = header.iter().map(Shown::shown);
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    if io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    for row in rows {
        table.add_row(row.into_iter().map(|cell| {
            let text = cell.into().shown();
            let alignment = if is_number(&text) {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            };
            Cell::new(text).set_alignment(alignment)
        }));
    }
    keep_words_whole(&mut table);
    table
}

/// Hides each of these columns whose cells are all empty or zero.
pub(super) fn hide_idle_columns(table: &mut Table, columns: &[&str]) {
    for place in columns
        .iter()
        .filter_map(|name| place_of(table, name))
        .collect::<Vec<_>>()
    {
        let cells = table.row_iter().filter_map(|row| row.cell_iter().nth(place));
        if cells.map(Cell::content).all(|cell| matches!(&*cell, "" | "0")) {
            hide(table, place);
        }
    }
}

/// Hides these columns, one after the other, until the table fits the terminal. Other programs get every column.
pub(super) fn let_columns_give_way(table: &mut Table, columns: &[&str]) {
    let Some(width) = table.width() else { return };
    for name in columns {
        if table.lines().all(|line| line.chars().count() <= usize::from(width)) {
            return;
        }
        if let Some(place) = place_of(table, name) {
            hide(table, place);
        }
    }
}

/// The place of the column with this header.
fn place_of(table: &Table, name: &str) -> Option<usize> {
    let mut headers = table.header()?.cell_iter();
    headers.position(|header| header.content() == name)
}

fn hide(table: &mut Table, place: usize) {
    if let Some(column) = table.column_mut(place) {
        column.set_constraint(ColumnConstraint::Hidden);
    }
}

/// Makes a narrow terminal break lines between words only. A long word, such as a path, may be broken.
fn keep_words_whole(table: &mut Table) {
    const KEPT_WHOLE: usize = 12;
    let rows = table.header().into_iter().chain(table.row_iter());
    let mut longest: Vec<usize> = Vec::new();
    for (column, cell) in rows.flat_map(|row| row.cell_iter().enumerate()) {
        let content = cell.content();
        let words = content.split_whitespace().map(|word| word.chars().count());
        let word = words.max().unwrap_or(0).min(KEPT_WHOLE);
        longest.resize(longest.len().max(column + 1), 0);
        longest[column] = longest[column].max(word);
    }
    for (column, word) in table.column_iter_mut().zip(longest) {
        let padded = u16::try_from(word).unwrap_or(u16::MAX).saturating_add(2);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(padded)));
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && text
            .chars()
            .all(|letter| letter.is_ascii_digit() || "-.,%".contains(letter))
        && text.matches('-').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_aligns_numbers_only() {
        assert!(["0", "-1.5", "1,234", "12.5%"].into_iter().all(is_number));
        assert!(
            ["", "a1", "2026-01-02", "-"]
                .into_iter()
                .filter(|text| *text != "-")
                .all(|text| !is_number(text))
        );
    }
}
