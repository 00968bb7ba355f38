//! Rows as an author writes them, and the columns in which they cross to the host.

use std::borrow::Cow;

use abi_stable::std_types::{RSlice, RStr};

use crate::{
    Error, Result, Timestamp,
    abi::{RawColumn, ValueKind},
};

/// A row of a session table. Written by [`row!`](crate::row), seldom by hand.
pub trait Row {
    /// The columns that rows of this type fill, with the kinds of their values.
    const COLUMNS: &'static [(&'static str, ValueKind)];

    /// Appends one value to each of the columns, which stand in the order of [`COLUMNS`](Self::COLUMNS).
    fn append_to(&self, columns: &mut [ColumnBuffer]);
}

impl<R: Row> Row for &R {
    const COLUMNS: &'static [(&'static str, ValueKind)] = R::COLUMNS;

    fn append_to(&self, columns: &mut [ColumnBuffer]) {
        (*self).append_to(columns);
    }
}

/// Declares a struct whose fields are the columns of a session table, and makes it a [`Row`].
///
/// The column `session_file` is left out: the host fills it. A column that is left out is null.
///
/// ```
/// use session_plugin_api::{Timestamp, row};
///
/// row! {
///     /// One call of a tool.
///     struct ToolCall<'a> {
///         tool_name: &'a str,
///         is_error: bool,
///         model: Option<&'a str>,
///         occurred_at: Timestamp,
///     }
/// }
///
/// let call = ToolCall { tool_name: "Bash", is_error: false, model: None, occurred_at: Timestamp::from_micros(0) };
/// assert_eq!(call.tool_name, "Bash");
/// ```
#[macro_export]
macro_rules! row {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident $(<$lifetime:lifetime>)? {
            $( $(#[$field_attribute:meta])* $field_visibility:vis $field:ident : $kind:ty ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $name $(<$lifetime>)? {
            $( $(#[$field_attribute])* $field_visibility $field: $kind ),*
        }

        impl $(<$lifetime>)? $crate::Row for $name $(<$lifetime>)? {
            const COLUMNS: &'static [(&'static str, $crate::abi::ValueKind)] =
                &[ $( (stringify!($field), <$kind as $crate::Value>::KIND) ),* ];

            fn append_to(&self, columns: &mut [$crate::ColumnBuffer]) {
                if let [ $( $field ),* ] = columns {
                    $( $crate::Value::append_to(&self.$field, $field); )*
                }
            }
        }
    };
}

/// A type whose values can stand in a row or be the parameter of a statement.
pub trait Value {
    /// What the values are on the other side.
    const KIND: ValueKind;

    /// Appends the value to a column of [`KIND`](Self::KIND).
    fn append_to(&self, column: &mut ColumnBuffer);
}

macro_rules! values {
    ($( $type:ty => $kind:ident, |$value:ident, $column:ident| $append:expr; )*) => {
        $(
            impl Value for $type {
                const KIND: ValueKind = ValueKind::$kind;

                fn append_to(&self, $column: &mut ColumnBuffer) {
                    let $value = self;
                    $append;
                }
            }
        )*
    };
}

values! {
    bool => Boolean, |value, column| column.push_integer(i64::from(*value));
    i32 => Integer, |value, column| column.push_integer(i64::from(*value));
    u32 => Integer, |value, column| column.push_integer(i64::from(*value));
    i64 => Integer, |value, column| column.push_integer(*value);
    f64 => Float, |value, column| column.push_float(*value);
    str => Text, |value, column| column.push_bytes(value.as_bytes());
    String => Text, |value, column| column.push_bytes(value.as_bytes());
    Cow<'_, str> => Text, |value, column| column.push_bytes(value.as_bytes());
    [u8] => Blob, |value, column| column.push_bytes(value);
    Timestamp => Timestamp, |value, column| column.push_integer(value.as_micros());
}

impl<V: Value + ?Sized> Value for &V {
    const KIND: ValueKind = V::KIND;

    fn append_to(&self, column: &mut ColumnBuffer) {
        (*self).append_to(column);
    }
}

impl<V: Value> Value for Option<V> {
    const KIND: ValueKind = V::KIND;

    fn append_to(&self, column: &mut ColumnBuffer) {
        match self {
            Some(value) => value.append_to(column),
            None => column.push_null(),
        }
    }
}

/// The values of one column, one behind the other.
#[derive(Clone, Debug)]
pub struct ColumnBuffer {
    kind: ValueKind,
    rows: usize,
    validity: Vec<u8>,
    integers: Vec<i64>,
    floats: Vec<f64>,
    bytes: Vec<u8>,
    offsets: Vec<i32>,
    overflow: bool,
}

impl ColumnBuffer {
    pub(crate) fn new(kind: ValueKind) -> Self {
        let offsets = match kind {
            ValueKind::Text | ValueKind::Blob => vec![0],
            _ => Vec::new(),
        };
        Self {
            kind,
            rows: 0,
            validity: Vec::new(),
            integers: Vec::new(),
            floats: Vec::new(),
            bytes: Vec::new(),
            offsets,
            overflow: false,
        }
    }

    fn push_integer(&mut self, value: i64) {
        self.integers.push(value);
        self.count_row(true);
    }

    fn push_float(&mut self, value: f64) {
        self.floats.push(value);
        self.count_row(true);
    }

    fn push_bytes(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.close_bytes();
        self.count_row(true);
    }

    fn push_null(&mut self) {
        match self.kind {
            ValueKind::Null => {}
            ValueKind::Float => self.floats.push(0.0),
            ValueKind::Text | ValueKind::Blob => self.close_bytes(),
            ValueKind::Boolean | ValueKind::Integer | ValueKind::Timestamp => self.integers.push(0),
        }
        self.count_row(false);
    }

    fn close_bytes(&mut self) {
        match i32::try_from(self.bytes.len()) {
            Ok(end) => self.offsets.push(end),
            Err(_) => self.overflow = true,
        }
    }

    fn count_row(&mut self, valid: bool) {
        if !valid && self.validity.is_empty() {
            self.validity.resize(self.rows, 1);
        }
        if !valid || !self.validity.is_empty() {
            self.validity.push(u8::from(valid));
        }
        self.rows += 1;
    }

    fn clear(&mut self) {
        self.rows = 0;
        self.validity.clear();
        self.integers.clear();
        self.floats.clear();
        self.bytes.clear();
        self.offsets.truncate(1);
    }

    fn size(&self) -> usize {
        self.bytes.len() + 8 * (self.integers.len() + self.floats.len())
    }

    pub(crate) fn as_raw<'a>(&'a self, name: &'a str) -> RawColumn<'a> {
        RawColumn {
            name: RStr::from_str(name),
            kind: self.kind as u8,
            rows: self.rows,
            validity: RSlice::from_slice(&self.validity),
            integers: RSlice::from_slice(&self.integers),
            floats: RSlice::from_slice(&self.floats),
            bytes: RSlice::from_slice(&self.bytes),
            offsets: RSlice::from_slice(&self.offsets),
        }
    }

    /// Appends what the other side sent; its offsets are checked when a value is read.
    pub(crate) fn extend_from_raw(&mut self, raw: &RawColumn<'_>) -> Result<()> {
        let kind = ValueKind::from_number(raw.kind)
            .ok_or_else(|| Error::new(format!("column `{}` has values of an unknown kind", raw.name)))?;
        if self.rows == 0 || self.kind == ValueKind::Null {
            let nulls = self.rows;
            *self = Self::new(kind);
            (0..nulls).for_each(|_| self.push_null());
        }
        for row in 0..raw.rows {
            let valid = raw.validity.get(row).is_none_or(|valid| *valid != 0);
            match kind {
                _ if !valid => self.push_null(),
                ValueKind::Null => self.push_null(),
                ValueKind::Float => self.push_float(raw.floats.get(row).copied().unwrap_or_default()),
                ValueKind::Text | ValueKind::Blob => self.push_bytes(raw_bytes(raw, row)),
                ValueKind::Boolean | ValueKind::Integer | ValueKind::Timestamp => {
                    self.push_integer(raw.integers.get(row).copied().unwrap_or_default());
                }
            }
        }
        Ok(())
    }

    pub(crate) fn kind(&self) -> ValueKind {
        self.kind
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.kind == ValueKind::Null || self.validity.get(row).is_some_and(|valid| *valid == 0)
    }

    pub(crate) fn integer(&self, row: usize) -> Option<i64> {
        self.integers.get(row).copied()
    }

    pub(crate) fn float(&self, row: usize) -> Option<f64> {
        self.floats.get(row).copied()
    }

    pub(crate) fn bytes(&self, row: usize) -> Option<&[u8]> {
        slice_between(&self.bytes, &self.offsets, row)
    }
}

fn raw_bytes<'a>(raw: &RawColumn<'a>, row: usize) -> &'a [u8] {
    slice_between(raw.bytes.as_slice(), raw.offsets.as_slice(), row).unwrap_or_default()
}

fn slice_between<'a>(bytes: &'a [u8], offsets: &[i32], row: usize) -> Option<&'a [u8]> {
    let start = usize::try_from(*offsets.get(row)?).ok()?;
    let end = usize::try_from(*offsets.get(row + 1)?).ok()?;
    bytes.get(start..end)
}

/// Rows of one type, gathered until they are worth a call.
pub(crate) struct Batch {
    names: &'static [(&'static str, ValueKind)],
    columns: Vec<ColumnBuffer>,
}

impl Batch {
    pub(crate) fn of<R: Row>() -> Self {
        Self {
            names: R::COLUMNS,
            columns: R::COLUMNS.iter().map(|(_, kind)| ColumnBuffer::new(*kind)).collect(),
        }
    }

    pub(crate) fn push<R: Row>(&mut self, row: &R) {
        row.append_to(&mut self.columns);
    }

    pub(crate) fn is_large(&self) -> bool {
        const WORTH_A_CALL: usize = 4 << 20;
        self.columns.iter().map(ColumnBuffer::size).sum::<usize>() >= WORTH_A_CALL
    }

    pub(crate) fn as_raw(&self) -> Result<Vec<RawColumn<'_>>> {
        self.names
            .iter()
            .zip(&self.columns)
            .map(|((name, _), column)| match column.overflow {
                true => Err(Error::new(format!("a value of column `{name}` is over 2 GiB"))),
                false => Ok(column.as_raw(name)),
            })
            .collect()
    }

    pub(crate) fn clear(&mut self) {
        self.columns.iter_mut().for_each(ColumnBuffer::clear);
    }
}
