//! Checks the columns that plugins pass: kinds, counts, offsets.

use abi_stable::std_types::{RSlice, RStr};
use session_plugin_api::abi::{RawColumn, ValueKind};

use super::{Malformed, name, slice};
use crate::column::Column;

/// The maximum number of rows of a batch that holds only nulls, and so no value that proves the number.
const MAX_ROWS_OF_NULLS: usize = 1 << 20;

/// The columns of a batch, each with as many values as the first has rows.
///
/// # Errors
/// When the parts of a column are inconsistent.
pub fn columns<'a>(raw: RSlice<'a, RawColumn<'a>>) -> Result<Vec<Column<'a>>, Malformed> {
    let raw = slice(raw, || "columns".to_owned())?;
    let columns: Vec<Column<'a>> = raw.iter().map(checked).collect::<Result<_, _>>()?;
    match columns.first() {
        Some(Column { name, rows, .. }) if *rows > MAX_ROWS_OF_NULLS && columns.iter().all(is_of_nulls) => {
            Err(Malformed::Unproven {
                column: (*name).to_owned(),
                rows: *rows,
            })
        }
        _ => Ok(columns),
    }
}

/// The parameters of a statement: columns of one row, whose parts are consistent.
///
/// # Errors
/// When the parts are inconsistent, or a parameter does not have exactly one row.
pub fn parameters<'a>(raw: RSlice<'a, RawColumn<'a>>) -> Result<Vec<Column<'a>>, Malformed> {
    let raw = slice(raw, || "parameters".to_owned())?;
    let parameters = (1..).zip(raw).map(|(place, column)| match checked(column)? {
        column @ Column { rows: 1, .. } => Ok(column),
        Column { rows, .. } => Err(Malformed::Parameter { place, rows }),
    });
    parameters.collect()
}

/// Converts a column of the host for a plugin.
#[must_use]
pub fn raw<'a>(column: &Column<'a>) -> RawColumn<'a> {
    RawColumn {
        name: RStr::from_str(column.name),
        kind: column.kind as u8,
        rows: column.rows,
        validity: RSlice::from_slice(column.validity),
        integers: RSlice::from_slice(column.integers),
        floats: RSlice::from_slice(column.floats),
        bytes: RSlice::from_slice(column.bytes),
        offsets: RSlice::from_slice(column.offsets),
    }
}

/// Checks that the parts of a column are consistent.
fn checked<'a>(raw: &RawColumn<'a>) -> Result<Column<'a>, Malformed> {
    let name = name(raw.name, "the name of a column")?;
    let of = |what: &'static str| move || format!("{what} of column `{name}`");
    let kind = ValueKind::from_number(raw.kind).ok_or_else(|| Malformed::Kind {
        column: name.to_owned(),
        kind: raw.kind,
    })?;
    let column = Column {
        name,
        kind,
        rows: raw.rows,
        validity: slice(raw.validity, of("validity marks"))?,
        integers: slice(raw.integers, of("integers"))?,
        floats: slice(raw.floats, of("floats"))?,
        bytes: slice(raw.bytes, of("bytes"))?,
        offsets: slice(raw.offsets, of("offsets"))?,
    };
    check(&column)?;
    Ok(column)
}

fn check(column: &Column<'_>) -> Result<(), Malformed> {
    if !column.validity.is_empty() {
        check_count(column, "validity marks", column.validity.len())?;
    }
    match column.kind {
        ValueKind::Null => Ok(()),
        ValueKind::Boolean | ValueKind::Integer | ValueKind::Timestamp => {
            check_count(column, "values", column.integers.len())
        }
        ValueKind::Float => check_count(column, "values", column.floats.len()),
        ValueKind::Text | ValueKind::Blob => {
            check_count(column, "values", column.offsets.len().saturating_sub(1))?;
            check_offsets(column)
        }
    }
}

fn check_count(column: &Column<'_>, what: &'static str, found: usize) -> Result<(), Malformed> {
    match found == column.rows {
        true => Ok(()),
        false => Err(Malformed::Count {
            column: column.name.to_owned(),
            what,
            found,
            rows: column.rows,
        }),
    }
}

fn check_offsets(column: &Column<'_>) -> Result<(), Malformed> {
    let end = column.offsets.last().and_then(|end| usize::try_from(*end).ok());
    let fits = column.offsets.first() == Some(&0)
        && column.offsets.is_sorted()
        && end.is_some_and(|end| end <= column.bytes.len());
    match fits {
        true => Ok(()),
        false => Err(Malformed::Offsets {
            column: column.name.to_owned(),
            bytes: column.bytes.len(),
        }),
    }
}

fn is_of_nulls(column: &Column<'_>) -> bool {
    column.kind == ValueKind::Null && column.validity.is_empty()
}
