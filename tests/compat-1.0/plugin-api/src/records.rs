//! The rows that a query gave.

use std::fmt;

use crate::{
    Error, Result, Timestamp,
    abi::{RawColumn, ValueKind},
    rows::ColumnBuffer,
};

/// The rows that a query gave, with the names of their columns.
#[derive(Clone, Debug, Default)]
pub struct Records {
    names: Vec<String>,
    columns: Vec<ColumnBuffer>,
    rows: usize,
}

/// One row of [`Records`].
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    records: &'a Records,
    row: usize,
}

/// A column of a [`Record`]: its name or its place, from 0.
pub trait ColumnKey: fmt::Display {
    /// The column's place.
    fn place(&self, names: &[String]) -> Option<usize>;
}

impl ColumnKey for usize {
    fn place(&self, names: &[String]) -> Option<usize> {
        (*self < names.len()).then_some(*self)
    }
}

impl ColumnKey for &str {
    fn place(&self, names: &[String]) -> Option<usize> {
        names.iter().position(|name| name == self)
    }
}

impl Records {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows in the query's order.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        (0..self.rows).map(|row| Record { records: self, row })
    }

    /// The first row.
    #[must_use]
    pub fn first(&self) -> Option<Record<'_>> {
        self.iter().next()
    }

    pub(crate) fn extend_from_raw(&mut self, raw: &[RawColumn<'_>]) -> Result<u64> {
        if self.columns.is_empty() {
            self.names = raw.iter().map(|column| column.name.to_string()).collect();
            self.columns = vec![ColumnBuffer::new(ValueKind::Null); raw.len()];
        }
        for (column, raw) in self.columns.iter_mut().zip(raw) {
            column.extend_from_raw(raw)?;
        }
        let rows = raw.first().map_or(0, |column| column.rows);
        self.rows += rows;
        Ok(rows as u64)
    }
}

impl<'a> Record<'a> {
    /// The value of a column, as the type that is asked for.
    ///
    /// # Errors
    /// When there is no such column, or its value is of another type or null (ask for an `Option` then).
    pub fn get<V: FromColumn<'a>>(&self, key: impl ColumnKey) -> Result<V> {
        let column = key
            .place(&self.records.names)
            .and_then(|place| self.records.columns.get(place))
            .ok_or_else(|| Error::new(format!("the query gives no column {key}")))?;
        V::from_column(column, self.row).ok_or_else(|| {
            let found = match column.is_null(self.row) {
                true => ValueKind::Null,
                false => column.kind(),
            };
            Error::new(format!(
                "column {key} holds a value of kind {found:?}, not the one asked for"
            ))
        })
    }
}

/// A type that a value of a [`Record`] can be read as.
pub trait FromColumn<'a>: Sized {
    /// The value in this row; `None` when it is null or of another kind.
    fn from_column(column: &'a ColumnBuffer, row: usize) -> Option<Self>;
}

fn present(column: &ColumnBuffer, row: usize, kind: ValueKind) -> bool {
    column.kind() == kind && !column.is_null(row)
}

impl FromColumn<'_> for bool {
    fn from_column(column: &ColumnBuffer, row: usize) -> Option<Self> {
        present(column, row, ValueKind::Boolean)
            .then(|| column.integer(row))?
            .map(|value| value != 0)
    }
}

impl FromColumn<'_> for i64 {
    fn from_column(column: &ColumnBuffer, row: usize) -> Option<Self> {
        present(column, row, ValueKind::Integer).then(|| column.integer(row))?
    }
}

impl FromColumn<'_> for f64 {
    fn from_column(column: &ColumnBuffer, row: usize) -> Option<Self> {
        present(column, row, ValueKind::Float).then(|| column.float(row))?
    }
}

impl FromColumn<'_> for Timestamp {
    fn from_column(column: &ColumnBuffer, row: usize) -> Option<Self> {
        present(column, row, ValueKind::Timestamp)
            .then(|| column.integer(row))?
            .map(Timestamp::from_micros)
    }
}

impl<'a> FromColumn<'a> for &'a str {
    fn from_column(column: &'a ColumnBuffer, row: usize) -> Option<Self> {
        let bytes = present(column, row, ValueKind::Text).then(|| column.bytes(row))??;
        std::str::from_utf8(bytes).ok()
    }
}

impl FromColumn<'_> for String {
    fn from_column(column: &ColumnBuffer, row: usize) -> Option<Self> {
        <&str>::from_column(column, row).map(str::to_owned)
    }
}

impl<'a> FromColumn<'a> for &'a [u8] {
    fn from_column(column: &'a ColumnBuffer, row: usize) -> Option<Self> {
        present(column, row, ValueKind::Blob).then(|| column.bytes(row))?
    }
}

impl<'a, V: FromColumn<'a>> FromColumn<'a> for Option<V> {
    fn from_column(column: &'a ColumnBuffer, row: usize) -> Option<Self> {
        match column.is_null(row) {
            true => Some(None),
            false => V::from_column(column, row).map(Some),
        }
    }
}
