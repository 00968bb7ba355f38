//! Chooses the columns that fit.

use std::cmp::Reverse;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::reports::{Cells, NO_NUMBER, ReportResult};

/// The spaces between two columns.
pub(super) const GAP: u16 = 2;

/// The shortest and the longest length of a full bar.
const BAR: std::ops::RangeInclusive<usize> = 10..=24;

/// A text column keeps at least this width.
const NARROWEST: usize = 8;

/// The columns that are shown.
pub(super) struct Layout {
    /// Those columns, from the left.
    pub(super) columns: Vec<Column>,
    /// The length of a full bar, if there are bars.
    pub(super) bar: Option<usize>,
    /// The places of the columns that are left out.
    hidden: Vec<usize>,
}

/// A column that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Its place in the report.
    pub(super) place: usize,
    /// Its width.
    pub(super) width: usize,
    /// Whether it has numbers, which are right-aligned and never cut.
    pub(super) is_numeric: bool,
    gives_way: GivesWay,
}

/// When a column is left out, the last of these first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum GivesWay {
    Never,
    /// As the report declares.
    InTurn(u32),
    /// No row has a value in this column.
    Empty,
}

impl Layout {
    /// The columns that fit into this width. Empty columns go first, the others in the order that the report declares. If
    /// the rest is still too wide, the bars go, and then texts are cut.
    pub(super) fn of(result: &ReportResult, cells: &Cells, has_bars: bool, width: usize) -> Self {
        let mut columns: Vec<Column> = (0..result.columns.len())
            .map(|place| Column {
                place,
                width: widest(cells, place),
                is_numeric: result.columns[place].unit.is_numeric(),
                gives_way: GivesWay::of(result.columns[place].gives_way, cells, place),
            })
            .collect();
        let mut hidden = Vec::new();
        let of_bar = match has_bars {
            true => BAR.start() + usize::from(GAP),
            false => 0,
        };
        while total(&columns) + of_bar > width
            && let Some(place) = next_to_go(&columns)
        {
            let column = columns.remove(place);
            if column.gives_way != GivesWay::Empty {
                hidden.push(column.place);
            }
        }
        hidden.sort_unstable();
        let left = width.saturating_sub(total(&columns) + usize::from(GAP));
        let bar = (has_bars && left >= *BAR.start()).then(|| left.min(*BAR.end()));
        cut(&mut columns, width);
        Self { columns, bar, hidden }
    }

    /// Names the columns that are left out, unless they are empty.
    pub(super) fn told_hidden(&self, result: &ReportResult) -> Option<String> {
        let labels = self.hidden.iter().map(|place| result.columns[*place].label.as_str());
        let labels: Vec<&str> = labels.collect();
        (!labels.is_empty()).then(|| format!("not shown, for lack of width: {}", labels.join(", ")))
    }
}

/// The column that gives way next.
fn next_to_go(columns: &[Column]) -> Option<usize> {
    let goes = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.gives_way != GivesWay::Never);
    goes.max_by_key(|(place, column)| (column.gives_way, *place))
        .map(|(place, _)| place)
}

/// Cuts the widest text until the table fits, or no text is wide.
fn cut(columns: &mut [Column], width: usize) {
    loop {
        let excess = total(columns).saturating_sub(width);
        let texts = columns.iter_mut().filter(|column| !column.is_numeric);
        match texts.max_by_key(|column| (column.width, Reverse(column.place))) {
            Some(widest) if excess > 0 && widest.width > NARROWEST => {
                // The next widest text may be almost as wide: both are cut, by turns.
                widest.width -= 1;
            }
            _ => return,
        }
    }
}

fn total(columns: &[Column]) -> usize {
    let widths: usize = columns.iter().map(|column| column.width).sum();
    widths + columns.len().saturating_sub(1) * usize::from(GAP)
}

fn widest(cells: &Cells, place: usize) -> usize {
    let rows = cells.rows.iter().chain(&cells.totals).map(|row| row[place].width());
    rows.chain([cells.labels[place].width()]).max().unwrap_or(0)
}

impl GivesWay {
    fn of(turn: u32, cells: &Cells, place: usize) -> Self {
        let is_empty = || {
            cells
                .rows
                .iter()
                .all(|row| matches!(row[place].as_str(), "" | NO_NUMBER))
        };
        match turn {
            // The first column says what a row is about, and stays.
            _ if place > 0 && is_empty() => Self::Empty,
            0 => Self::Never,
            turn => Self::InTurn(turn),
        }
    }
}

impl Column {
    /// A text within the width. Of a path, or another long word, the end is kept; of several words, the beginning.
    pub(super) fn fitted(&self, text: &str) -> String {
        if text.width() <= self.width || self.is_numeric {
            return text.to_owned();
        }
        let room = self.width.saturating_sub(1);
        match text.contains(' ') {
            true => format!("{}…", beginning(text, room).trim_end()),
            false => format!("…{}", end(text, room)),
        }
    }
}

/// The beginning of a text, up to the end of a word if possible.
fn beginning(text: &str, room: usize) -> &str {
    let end = place_of(text.char_indices(), room).map_or(text.len(), |(place, _)| place);
    let whole = &text[..end];
    match whole.rfind(' ') {
        Some(space) if space > 0 && !text[end..].starts_with(' ') => &whole[..space],
        _ => whole,
    }
}

/// The end of a text.
fn end(text: &str, room: usize) -> &str {
    let begins = place_of(text.char_indices().rev(), room).map_or(0, |(place, letter)| place + letter.len_utf8());
    &text[begins..]
}

/// The first letter for which there is no room.
fn place_of(mut letters: impl Iterator<Item = (usize, char)>, room: usize) -> Option<(usize, char)> {
    let mut used = 0;
    letters.find(|(_, letter)| {
        used += letter.width().unwrap_or(0);
        used > room
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(place: usize, width: usize, is_numeric: bool, turn: u32) -> Column {
        Column {
            place,
            width,
            is_numeric,
            gives_way: match turn {
                0 => GivesWay::Never,
                turn => GivesWay::InTurn(turn),
            },
        }
    }

    #[test]
    fn long_texts_are_cut_between_words_and_long_words_at_their_beginning() {
        let fitted = |text| column(0, 10, false, 0).fitted(text);
        assert_eq!(fitted("short"), "short");
        assert_eq!(fitted("exactly 10"), "exactly 10");
        assert_eq!(fitted("several long words"), "several…");
        assert_eq!(fitted("alice/project/x.jsonl"), "…t/x.jsonl");
        assert_eq!(
            fitted("日本語日本語日本"),
            "…日本語日本".replacen("日本語日本", "本語日本", 1)
        );
    }

    #[test]
    fn the_highest_number_gives_way_first_and_zero_never() {
        let columns = [
            column(0, 5, false, 0),
            column(1, 5, true, 2),
            column(2, 5, true, 3),
            column(3, 5, true, 2),
        ];
        assert_eq!(next_to_go(&columns), Some(2));
        assert_eq!(next_to_go(&[columns[1].clone(), columns[3].clone()]), Some(1));
        assert_eq!(next_to_go(&columns[..1]), None);
        let empty = Column {
            gives_way: GivesWay::Empty,
            ..column(4, 5, true, 0)
        };
        assert_eq!(next_to_go(&[&columns[..], &[empty]].concat()), Some(4));
    }

    #[test]
    fn texts_are_cut_by_turns_and_numbers_are_not() {
        let mut columns = [column(0, 30, false, 0), column(1, 20, true, 0), column(2, 28, false, 0)];
        cut(&mut columns, 60);
        assert_eq!(columns.each_ref().map(|column| column.width), [18, 20, 18]);
        cut(&mut columns, 10);
        assert_eq!(
            columns.each_ref().map(|column| column.width),
            [NARROWEST, 20, NARROWEST]
        );
    }
}
