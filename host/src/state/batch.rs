//! A plugin's borrowed columns, made into an Arrow record batch for one session.

use std::sync::Arc;

use duckdb::arrow::{
    array::{
        Array, ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, NullArray, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer},
    datatypes::{DataType, Field, Schema},
    error::ArrowError,
};
use session_plugin_api::abi::{RawColumn, ValueKind};

use super::table::{SESSION_FILE, SessionTable, accepts};
use crate::names::SessionKey;

/// Rows that wait for their session's commit: a batch for one table.
#[derive(Clone, Debug)]
pub struct PendingRows {
    pub(super) table: Arc<SessionTable>,
    pub(super) batch: RecordBatch,
}

/// A column that rows fill, and the type of its values.
pub(super) type Column<'a> = (&'a str, &'a DataType);

/// Why rows were not taken.
#[derive(Debug, thiserror::Error)]
pub enum RowsRefused {
    /// The table is none of the processor's session tables.
    #[error(
        "`{table}` is no session table of this processor: declare it with Descriptor::session_table (declared: {declared})"
    )]
    UnknownTable {
        /// The table that was named.
        table: String,
        /// The tables that were declared.
        declared: String,
    },
    /// The table has no such column.
    #[error("table `{table}` has no column `{column}`; its columns are {columns}")]
    UnknownColumn {
        /// The table.
        table: String,
        /// The column that was named.
        column: String,
        /// The columns that there are.
        columns: String,
    },
    /// The rows name the column that the host fills, or name a column twice.
    #[error("table `{table}`: column `{column}` is given twice, or is the one that the host fills")]
    DoubleColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The values do not fit the column.
    #[error("column `{table}.{column}` is {data_type} and takes no values of kind {kind:?}")]
    Type {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The column's type.
        data_type: String,
        /// The kind of the values.
        kind: ValueKind,
    },
    /// The column's parts contradict each other.
    #[error("column `{column}` is malformed: {reason}")]
    Malformed {
        /// The column.
        column: String,
        /// What does not fit.
        reason: String,
    },
}

impl PendingRows {
    /// Checks a plugin's columns against the table, and copies them.
    ///
    /// # Errors
    /// When a column is unknown, of another type, or malformed.
    pub fn new(
        table: &Arc<SessionTable>,
        session: &SessionKey,
        columns: &[RawColumn<'_>],
    ) -> Result<Self, RowsRefused> {
        let rows = columns.first().map_or(0, |column| column.rows);
        let session_file = StringArray::from_iter_values(std::iter::repeat_n(session.as_str(), rows));
        let mut fields = vec![(SESSION_FILE.to_owned(), Arc::new(session_file) as ArrayRef)];
        for column in columns {
            let name = column.name.as_str();
            let kind = check(table, column, rows)?;
            if fields.iter().any(|(given, _)| given == name) {
                return Err(RowsRefused::DoubleColumn {
                    table: table.name().to_owned(),
                    column: name.to_owned(),
                });
            }
            let array = array(column, kind).map_err(|error| malformed(column, error))?;
            fields.push((name.to_owned(), array));
        }
        let schema = fields
            .iter()
            .map(|(name, array)| Field::new(name, array.data_type().clone(), true));
        let schema = Arc::new(Schema::new(schema.collect::<Vec<_>>()));
        let arrays = fields.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(schema, arrays).map_err(|error| RowsRefused::Malformed {
            column: table.name().to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            table: Arc::clone(table),
            batch,
        })
    }

    /// How many bytes of memory the rows take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.batch.get_array_memory_size()
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.batch.num_rows() as u64
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.num_rows() == 0
    }

    /// The columns that the rows fill, in the batch's order.
    pub(super) fn columns(&self) -> Vec<Column<'_>> {
        let fields = self.batch.schema_ref().fields().iter();
        fields.map(|field| (field.name().as_str(), field.data_type())).collect()
    }
}

fn check(table: &SessionTable, column: &RawColumn<'_>, rows: usize) -> Result<ValueKind, RowsRefused> {
    let name = column.name.as_str();
    let kind = ValueKind::from_number(column.kind).ok_or_else(|| malformed(column, "its kind is unknown"))?;
    let data_type = table.type_of(name).ok_or_else(|| RowsRefused::UnknownColumn {
        table: table.name().to_owned(),
        column: name.to_owned(),
        columns: table.column_names(),
    })?;
    if !accepts(data_type, kind) {
        return Err(RowsRefused::Type {
            table: table.name().to_owned(),
            column: name.to_owned(),
            data_type: data_type.to_owned(),
            kind,
        });
    }
    match column.rows == rows {
        true => Ok(kind),
        false => Err(malformed(column, "it has another number of rows than the first column")),
    }
}

fn malformed(column: &RawColumn<'_>, reason: impl ToString) -> RowsRefused {
    RowsRefused::Malformed {
        column: column.name.to_string(),
        reason: reason.to_string(),
    }
}

fn array(column: &RawColumn<'_>, kind: ValueKind) -> Result<ArrayRef, ArrowError> {
    let nulls = nulls(column);
    let array: ArrayRef = match kind {
        ValueKind::Null => Arc::new(NullArray::new(column.rows)),
        ValueKind::Boolean => {
            let values = column.integers.iter().map(|value| *value != 0).collect();
            Arc::new(BooleanArray::new(values, same_length(nulls, column.integers.len())?))
        }
        ValueKind::Integer => Arc::new(Int64Array::try_new(integers(column), nulls)?),
        ValueKind::Timestamp => Arc::new(TimestampMicrosecondArray::try_new(integers(column), nulls)?),
        ValueKind::Float => Arc::new(Float64Array::try_new(
            ScalarBuffer::from(column.floats.as_slice().to_vec()),
            nulls,
        )?),
        ValueKind::Text => {
            let (offsets, bytes) = texts(column)?;
            Arc::new(StringArray::try_new(offsets, bytes, nulls)?)
        }
        ValueKind::Blob => {
            let (offsets, bytes) = texts(column)?;
            Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
        }
    };
    match array.len() == column.rows {
        true => Ok(array),
        false => Err(ArrowError::InvalidArgumentError(format!(
            "{} values for {} rows",
            array.len(),
            column.rows
        ))),
    }
}

fn nulls(column: &RawColumn<'_>) -> Option<NullBuffer> {
    let validity = column.validity.as_slice();
    (!validity.is_empty()).then(|| validity.iter().map(|valid| *valid != 0).collect())
}

fn same_length(nulls: Option<NullBuffer>, length: usize) -> Result<Option<NullBuffer>, ArrowError> {
    match nulls {
        Some(nulls) if nulls.len() != length => Err(ArrowError::InvalidArgumentError(
            "another number of values than of validity marks".to_owned(),
        )),
        nulls => Ok(nulls),
    }
}

fn integers(column: &RawColumn<'_>) -> ScalarBuffer<i64> {
    ScalarBuffer::from(column.integers.as_slice().to_vec())
}

fn texts(column: &RawColumn<'_>) -> Result<(OffsetBuffer<i32>, Buffer), ArrowError> {
    let offsets = column.offsets.as_slice();
    let ascending = offsets.is_sorted() && offsets.first() == Some(&0);
    let end = offsets.last().and_then(|end| usize::try_from(*end).ok());
    match end {
        Some(end) if ascending && end <= column.bytes.len() => {
            let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets.to_vec()));
            Ok((offsets, Buffer::from(&column.bytes.as_slice()[..end])))
        }
        _ => Err(ArrowError::InvalidArgumentError(
            "its offsets do not lie in its bytes".to_owned(),
        )),
    }
}
