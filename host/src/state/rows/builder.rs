//! Collects the rows of many sessions for one table in columns, and turns them into one Arrow batch.
//!
//! DuckDB's appender takes Arrow batches. A batch for each session would cost more than its rows: a schema, and several
//! allocations for each column. So the rows of a session stay in the form in which the plugin handed them over, until
//! the columns of a whole group are built from them.

use std::sync::Arc;

use duckdb::arrow::{
    array::{
        Array, ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, NullArray, RecordBatch, StringArray,
        TimestampMicrosecondArray, builder::NullBufferBuilder,
    },
    buffer::{Buffer, OffsetBuffer, ScalarBuffer},
    datatypes::{Field, Schema},
    error::ArrowError,
};
use session_plugin_api::abi::ValueKind;

use crate::column::Column;

/// Columns that grow by the rows of one session after the other.
#[derive(Default)]
pub(crate) struct ColumnsBuilder {
    columns: Vec<ColumnBuilder>,
}

/// A column that grows. Which of its parts hold values depends on their kind, as in [`Column`].
struct ColumnBuilder {
    name: String,
    kind: ValueKind,
    rows: usize,
    nulls: NullBufferBuilder,
    integers: Vec<i64>,
    floats: Vec<f64>,
    bytes: Vec<u8>,
    offsets: Vec<i32>,
}

impl ColumnsBuilder {
    /// Adds a text that is the same in so many rows.
    ///
    /// # Errors
    /// When the texts of the column have become too long.
    pub(crate) fn repeat(&mut self, place: usize, name: &str, text: &str, rows: usize) -> Result<(), ArrowError> {
        let column = self.column(place, name, ValueKind::Text);
        column.rows += rows;
        column.nulls.append_n_non_nulls(rows);
        for _ in 0..rows {
            column.bytes.extend_from_slice(text.as_bytes());
            let end = offset(column.bytes.len())?;
            column.offsets.push(end);
        }
        Ok(())
    }

    /// Adds the values of a column, which is always in the same place.
    ///
    /// # Errors
    /// When the texts of the column have become too long.
    pub(crate) fn extend(&mut self, place: usize, values: &Column<'_>) -> Result<(), ArrowError> {
        self.column(place, values.name, values.kind).extend(values)
    }

    /// The batch of all rows.
    ///
    /// # Errors
    /// When the values are not what their kind says, or the columns have different numbers of rows.
    pub(crate) fn finish(self) -> Result<RecordBatch, ArrowError> {
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut arrays = Vec::with_capacity(self.columns.len());
        for mut column in self.columns {
            let name = std::mem::take(&mut column.name);
            let array = column.finish()?;
            fields.push(Field::new(name, array.data_type().clone(), true));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    fn column(&mut self, place: usize, name: &str, kind: ValueKind) -> &mut ColumnBuilder {
        if place == self.columns.len() {
            self.columns.push(ColumnBuilder::new(name, kind));
        }
        &mut self.columns[place]
    }
}

impl ColumnBuilder {
    fn new(name: &str, kind: ValueKind) -> Self {
        let offsets = match kind {
            ValueKind::Text | ValueKind::Blob => vec![0],
            _ => Vec::new(),
        };
        Self {
            name: name.to_owned(),
            kind,
            rows: 0,
            nulls: NullBufferBuilder::new(0),
            integers: Vec::new(),
            floats: Vec::new(),
            bytes: Vec::new(),
            offsets,
        }
    }

    fn extend(&mut self, values: &Column<'_>) -> Result<(), ArrowError> {
        match values.validity {
            [] => self.nulls.append_n_non_nulls(values.rows),
            validity => validity.iter().for_each(|valid| self.nulls.append(*valid != 0)),
        }
        self.rows += values.rows;
        self.integers.extend_from_slice(values.integers);
        self.floats.extend_from_slice(values.floats);
        let begin = offset(self.bytes.len())?;
        self.bytes.extend_from_slice(values.piece_bytes());
        offset(self.bytes.len())?;
        let ends = values.offsets.iter().skip(1);
        self.offsets.extend(ends.map(|end| begin + end));
        Ok(())
    }

    fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.finish();
        let integers = ScalarBuffer::from(self.integers);
        Ok(match self.kind {
            ValueKind::Null => Arc::new(NullArray::new(self.rows)),
            ValueKind::Boolean => {
                let values = integers.iter().map(|value| *value != 0).collect();
                Arc::new(BooleanArray::new(values, nulls))
            }
            ValueKind::Integer => Arc::new(Int64Array::try_new(integers, nulls)?),
            ValueKind::Timestamp => Arc::new(TimestampMicrosecondArray::try_new(integers, nulls)?),
            ValueKind::Float => Arc::new(Float64Array::try_new(ScalarBuffer::from(self.floats), nulls)?),
            ValueKind::Text | ValueKind::Blob => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
                let bytes = Buffer::from_vec(self.bytes);
                match self.kind {
                    ValueKind::Text => Arc::new(StringArray::try_new(offsets, bytes, nulls)?),
                    _ => Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?),
                }
            }
        })
    }
}

/// Arrow's offsets of texts are 32 bits wide.
fn offset(bytes: usize) -> Result<i32, ArrowError> {
    i32::try_from(bytes).map_err(|_| ArrowError::OffsetOverflowError(bytes))
}
