//! Turns a query's Arrow columns into the columns that plugins receive.
//!
//! Plugins know seven kinds of values, DuckDB many more types. Each type is cast to the nearest kind, or to text if
//! there is none. A value that its kind cannot hold is an error, not a null.

use duckdb::arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType},
    error::ArrowError,
};
use session_plugin_api::abi::ValueKind;

use crate::column::Column;

/// A column that cannot cross to the plugin.
#[derive(Debug, thiserror::Error)]
#[error(
    "column `{name}` of type {data_type} cannot cross to the plugin ({source}): cast it in the query, to VARCHAR for instance"
)]
pub struct ColumnError {
    name: String,
    data_type: String,
    r#source: ArrowError,
}

/// A column of a query's result, in one of the kinds that plugins know.
pub(crate) struct OwnedColumn {
    name: String,
    kind: ValueKind,
    array: ArrayRef,
    validity: Vec<u8>,
    integers: Vec<i64>,
}

impl OwnedColumn {
    pub(crate) fn new(name: &str, array: &ArrayRef) -> Result<Self, ColumnError> {
        let (kind, data_type) = crossing(array.data_type());
        let strictly = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        let array = cast_with_options(array, &data_type, &strictly).map_err(|source| ColumnError {
            name: name.to_owned(),
            data_type: array.data_type().to_string(),
            source,
        })?;
        let validity = match array.nulls() {
            Some(nulls) => nulls.iter().map(u8::from).collect(),
            None => Vec::new(),
        };
        let integers = match kind {
            ValueKind::Boolean => array.as_boolean().values().iter().map(i64::from).collect(),
            _ => Vec::new(),
        };
        Ok(Self {
            name: name.to_owned(),
            kind,
            array,
            validity,
            integers,
        })
    }

    pub(crate) fn as_column(&self) -> Column<'_> {
        let (bytes, offsets) = match self.kind {
            ValueKind::Text => (
                self.array.as_string::<i32>().value_data(),
                self.array.as_string::<i32>().value_offsets(),
            ),
            ValueKind::Blob => (
                self.array.as_binary::<i32>().value_data(),
                self.array.as_binary::<i32>().value_offsets(),
            ),
            _ => (&[][..], &[][..]),
        };
        Column {
            name: &self.name,
            kind: self.kind,
            rows: self.array.len(),
            validity: &self.validity,
            integers: self.integers(),
            floats: match self.kind {
                ValueKind::Float => self.array.as_primitive::<Float64Type>().values(),
                _ => &[],
            },
            bytes,
            offsets,
        }
    }

    fn integers(&self) -> &[i64] {
        match self.kind {
            ValueKind::Integer => self.array.as_primitive::<Int64Type>().values(),
            ValueKind::Timestamp => self.array.as_primitive::<TimestampMicrosecondType>().values(),
            _ => &self.integers,
        }
    }
}

fn crossing(data_type: &DataType) -> (ValueKind, DataType) {
    match data_type {
        DataType::Null => (ValueKind::Null, DataType::Null),
        DataType::Boolean => (ValueKind::Boolean, DataType::Boolean),
        DataType::Decimal128(_, 0) => (ValueKind::Integer, DataType::Int64),
        kind if kind.is_integer() => (ValueKind::Integer, DataType::Int64),
        kind if kind.is_numeric() => (ValueKind::Float, DataType::Float64),
        DataType::Timestamp(..) | DataType::Date32 => {
            (ValueKind::Timestamp, DataType::Timestamp(TimeUnit::Microsecond, None))
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => (ValueKind::Blob, DataType::Binary),
        _ => (ValueKind::Text, DataType::Utf8),
    }
}
