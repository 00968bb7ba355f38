//! The rows that a plugin hands over for one session, until they are committed.

use std::sync::Arc;

use duckdb::arrow::{array::RecordBatch, error::ArrowError};
use session_plugin_api::abi::ValueKind;

use crate::{
    column::Column,
    names::SessionKey,
    state::rows::{
        builder::ColumnsBuilder,
        refused::RowsRefused,
        table::{FilledTable, SESSION_FILE, accepts},
    },
};

/// Rows that wait for their session's commit: those of one call, for one table.
///
/// The values of all columns lie one after the other, so that rows cost few allocations.
#[derive(Clone, Debug)]
pub struct PendingRows {
    table: Arc<FilledTable>,
    rows: usize,
    shape: Vec<Filled>,
    /// The places in the shape of the columns that have null values.
    with_nulls: Vec<usize>,
    validity: Vec<u8>,
    integers: Vec<i64>,
    floats: Vec<f64>,
    bytes: Vec<u8>,
    offsets: Vec<i32>,
}

/// A column that rows fill: its place in the table, and the kind of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    place: usize,
    kind: ValueKind,
}

impl PendingRows {
    /// Checks a plugin's columns against that of the session tables which has this name, and copies them.
    ///
    /// # Errors
    /// When none has this name, or a column is unknown, of another type, or malformed.
    pub fn new(
        tables: &[Arc<FilledTable>],
        table: &str,
        session: &SessionKey,
        columns: &[Column<'_>],
    ) -> Result<Self, RowsRefused> {
        let table = fitting(tables, table, session, columns)?;
        check_shape(table.name(), Some(SESSION_FILE), columns)?;
        check_texts(columns)?;
        let length = |part: fn(&Column<'_>) -> usize| columns.iter().map(part).sum();
        let mut rows = Self {
            table: Arc::clone(table),
            rows: rows_of(columns),
            shape: Vec::with_capacity(columns.len()),
            with_nulls: Vec::new(),
            validity: Vec::with_capacity(length(|column| column.validity.len())),
            integers: Vec::with_capacity(length(|column| column.integers.len())),
            floats: Vec::with_capacity(length(|column| column.floats.len())),
            bytes: Vec::with_capacity(length(|column| column.piece_bytes().len())),
            offsets: Vec::with_capacity(length(|column| column.offsets.len())),
        };
        columns.iter().for_each(|column| rows.push(column));
        Ok(rows)
    }

    fn push(&mut self, column: &Column<'_>) {
        if !column.validity.is_empty() {
            self.with_nulls.push(self.shape.len());
        }
        // `fitting` has found the column in the table.
        let place = self.table.place_of(column.name).unwrap_or_default();
        self.shape.push(Filled {
            place,
            kind: column.kind,
        });
        self.validity.extend_from_slice(column.validity);
        self.integers.extend_from_slice(column.integers);
        self.floats.extend_from_slice(column.floats);
        self.bytes.extend_from_slice(column.piece_bytes());
        self.offsets.extend_from_slice(column.offsets);
    }

    /// Whether [`new`](Self::new) takes these columns. It copies nothing.
    #[must_use]
    pub fn fit(tables: &[Arc<FilledTable>], table: &str, session: &SessionKey, columns: &[Column<'_>]) -> bool {
        let fitting = fitting(tables, table, session, columns);
        let fitting = fitting.and_then(|table| check_shape(table.name(), Some(SESSION_FILE), columns));
        fitting.and_then(|()| check_texts(columns)).is_ok()
    }

    /// How many bytes of memory the rows take.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&*self.shape)
            + size_of_val(&*self.validity)
            + size_of_val(&*self.integers)
            + size_of_val(&*self.floats)
            + size_of_val(&*self.bytes)
            + size_of_val(&*self.offsets)
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.rows as u64
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The table.
    pub(crate) fn table(&self) -> &FilledTable {
        &self.table
    }

    /// The columns that the rows fill, in the order of the plugin.
    pub(crate) fn shape(&self) -> &[Filled] {
        &self.shape
    }

    /// Adds the rows to those of other sessions that have the same table and the same shape.
    ///
    /// # Errors
    /// When the texts of a column have become too long.
    pub(crate) fn add_to(&self, builder: &mut ColumnsBuilder, session: &SessionKey) -> Result<(), ArrowError> {
        builder.repeat(0, SESSION_FILE, session.as_str(), self.rows)?;
        let mut left = Left {
            validity: &self.validity,
            integers: &self.integers,
            floats: &self.floats,
            bytes: &self.bytes,
            offsets: &self.offsets,
        };
        let mut with_nulls = self.with_nulls.iter().peekable();
        for (place, filled) in self.shape.iter().enumerate() {
            let has_nulls = with_nulls.next_if_eq(&&place).is_some();
            let name = self.table.column_at(filled.place);
            builder.extend(place + 1, &left.take(name, filled.kind, self.rows, has_nulls))?;
        }
        Ok(())
    }
}

/// The values of the columns that have not been taken yet.
struct Left<'a> {
    validity: &'a [u8],
    integers: &'a [i64],
    floats: &'a [f64],
    bytes: &'a [u8],
    offsets: &'a [i32],
}

impl<'a> Left<'a> {
    /// Takes the values of the next column.
    fn take(&mut self, name: &'a str, kind: ValueKind, rows: usize, has_nulls: bool) -> Column<'a> {
        let (integers, floats, offsets) = match kind {
            ValueKind::Null => (0, 0, 0),
            ValueKind::Boolean | ValueKind::Integer | ValueKind::Timestamp => (rows, 0, 0),
            ValueKind::Float => (0, rows, 0),
            ValueKind::Text | ValueKind::Blob => (0, 0, rows + 1),
        };
        let offsets = first(&mut self.offsets, offsets);
        let end = offsets.last().and_then(|end| usize::try_from(*end).ok());
        Column {
            name,
            kind,
            rows,
            validity: first(&mut self.validity, if has_nulls { rows } else { 0 }),
            integers: first(&mut self.integers, integers),
            floats: first(&mut self.floats, floats),
            bytes: first(&mut self.bytes, end.unwrap_or(0)),
            offsets,
        }
    }
}

/// Takes the first values off.
fn first<'a, T>(values: &mut &'a [T], count: usize) -> &'a [T] {
    let (taken, left) = values.split_at(count.min(values.len()));
    *values = left;
    taken
}

/// Copies a plugin's columns into a batch.
///
/// # Errors
/// When a column is malformed, or is given twice.
pub(crate) fn record_batch(table: &str, columns: &[Column<'_>]) -> Result<RecordBatch, RowsRefused> {
    check_shape(table, None, columns)?;
    check_texts(columns)?;
    let mut builder = ColumnsBuilder::default();
    let built = columns
        .iter()
        .enumerate()
        .try_for_each(|(place, column)| builder.extend(place, column));
    built
        .and_then(|()| builder.finish())
        .map_err(|error| RowsRefused::Malformed {
            column: table.to_owned(),
            reason: error.to_string(),
        })
}

/// Checks that a table has a column that can hold values of this kind.
///
/// # Errors
/// When it has no column of this name, or the column has another type.
pub(crate) fn check(table: &FilledTable, column: &str, kind: ValueKind) -> Result<(), RowsRefused> {
    let data_type = table.type_of(column).ok_or_else(|| RowsRefused::UnknownColumn {
        table: table.name().to_owned(),
        column: column.to_owned(),
        columns: table.column_names(),
    })?;
    match accepts(data_type, kind) {
        true => Ok(()),
        false => Err(RowsRefused::Type {
            table: table.name().to_owned(),
            column: column.to_owned(),
            data_type: data_type.to_owned(),
            kind,
        }),
    }
}

/// The session table of this name, if it has columns for the values of these, and their rows are not too many.
fn fitting<'a>(
    tables: &'a [Arc<FilledTable>],
    table: &str,
    session: &SessionKey,
    columns: &[Column<'_>],
) -> Result<&'a Arc<FilledTable>, RowsRefused> {
    let found = tables.iter().find(|candidate| candidate.name() == table);
    let table = found.ok_or_else(|| RowsRefused::UnknownTable {
        table: table.to_owned(),
        declared: tables.iter().map(|table| table.name()).collect::<Vec<_>>().join(", "),
    })?;
    check_keys(table, session, rows_of(columns))?;
    for column in columns {
        check(table, column.name, column.kind)?;
    }
    Ok(table)
}

fn rows_of(columns: &[Column<'_>]) -> usize {
    columns.first().map_or(0, |column| column.rows)
}

/// Checks that all columns have the same number of rows, and that none is given twice.
fn check_shape(table: &str, filled: Option<&str>, columns: &[Column<'_>]) -> Result<(), RowsRefused> {
    for (place, column) in columns.iter().enumerate() {
        if column.rows != rows_of(columns) {
            return Err(malformed(
                column,
                "its number of rows differs from that of the first column",
            ));
        }
        let mut earlier = columns[..place].iter().map(|earlier| earlier.name);
        if filled == Some(column.name) || earlier.any(|earlier| earlier == column.name) {
            return Err(RowsRefused::DoubleColumn {
                table: table.to_owned(),
                column: column.name.to_owned(),
            });
        }
    }
    Ok(())
}

/// Checks that a column can hold the session's key in every row.
fn check_keys(table: &FilledTable, session: &SessionKey, rows: usize) -> Result<(), RowsRefused> {
    // Arrow's offsets of texts are 32 bits wide.
    match rows.checked_mul(session.as_str().len()).map(i32::try_from) {
        Some(Ok(_)) => Ok(()),
        _ => Err(RowsRefused::TooMany {
            table: table.name().to_owned(),
            rows,
        }),
    }
}

fn malformed(column: &Column<'_>, reason: impl ToString) -> RowsRefused {
    RowsRefused::Malformed {
        column: column.name.to_owned(),
        reason: reason.to_string(),
    }
}

/// Checks that the values are what their kind says: all bytes are, but not all are texts.
fn check_texts(columns: &[Column<'_>]) -> Result<(), RowsRefused> {
    columns.iter().try_for_each(|column| match column.kind {
        ValueKind::Text => check_text(column),
        _ => Ok(()),
    })
}

fn check_text(column: &Column<'_>) -> Result<(), RowsRefused> {
    let text = std::str::from_utf8(column.piece_bytes()).map_err(|error| malformed(column, error))?;
    let mut offsets = column.offsets.iter().map(|offset| usize::try_from(*offset));
    match offsets.all(|offset| offset.is_ok_and(|offset| text.is_char_boundary(offset))) {
        true => Ok(()),
        false => Err(malformed(column, "an offset lies within a character")),
    }
}

#[cfg(test)]
mod tests;
