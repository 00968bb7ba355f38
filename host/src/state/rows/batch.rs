//! Turns a plugin's borrowed columns into an Arrow record batch for one session.

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
use session_plugin_api::abi::ValueKind;

use crate::{
    column::Column,
    names::SessionKey,
    state::rows::table::{FilledTable, SESSION_FILE, accepts},
};

/// Rows that wait for their session's commit: one batch for one table.
#[derive(Clone, Debug)]
pub struct PendingRows {
    pub(crate) table: Arc<FilledTable>,
    pub(crate) batch: RecordBatch,
}

/// A column that rows fill, and the type of its values.
pub(crate) type FilledColumn<'a> = (&'a str, &'a DataType);

/// Why rows were rejected.
#[derive(Debug, thiserror::Error)]
pub enum RowsRefused {
    /// The table is not one of the processor's reference tables.
    #[error(
        "`{table}` is not a reference table of this processor: declare it with Descriptor::reference_table (declared: {declared})"
    )]
    UnknownReference {
        /// The table that was named.
        table: String,
        /// The tables that were declared.
        declared: String,
    },
    /// The rows of the reference tables are larger than the limit.
    #[error("the rows of its reference tables have more than {most} bytes")]
    TooLarge {
        /// The limit in bytes.
        most: usize,
    },
    /// The table is not one of the processor's session tables.
    #[error(
        "`{table}` is not a session table of this processor: declare it with Descriptor::session_table (declared: {declared})"
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
        /// The columns of the table.
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
    #[error("column `{table}.{column}` has type {data_type}, which cannot hold values of kind {kind:?}")]
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
    /// There are more rows than one call can hand over.
    #[error("{rows} rows for table `{table}` are too many for one call")]
    TooMany {
        /// The table.
        table: String,
        /// How many there are.
        rows: usize,
    },
    /// The column's parts contradict each other.
    #[error("column `{column}` is malformed: {reason}")]
    Malformed {
        /// The column.
        column: String,
        /// The contradiction.
        reason: String,
    },
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
        let keys = std::iter::repeat_n(session.as_str(), rows_of(columns));
        let filled = Arc::new(StringArray::from_iter_values(keys)) as ArrayRef;
        Ok(Self {
            table: Arc::clone(table),
            batch: record_batch(table.name(), Some((SESSION_FILE, filled)), columns)?,
        })
    }

    /// Whether [`new`](Self::new) takes these columns. It copies nothing.
    #[must_use]
    pub fn fit(tables: &[Arc<FilledTable>], table: &str, session: &SessionKey, columns: &[Column<'_>]) -> bool {
        let fitting = fitting(tables, table, session, columns);
        let fitting = fitting.and_then(|table| check_shape(table.name(), Some(SESSION_FILE), columns));
        fitting.is_ok() && columns.iter().all(is_readable)
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
    pub(crate) fn columns(&self) -> Vec<FilledColumn<'_>> {
        let fields = self.batch.schema_ref().fields().iter();
        fields.map(|field| (field.name().as_str(), field.data_type())).collect()
    }
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

/// Copies a plugin's columns, after one that the host has filled.
///
/// # Errors
/// When a column is malformed, or is given twice.
pub(crate) fn record_batch<'a>(
    table: &str,
    filled: Option<(&'a str, ArrayRef)>,
    columns: &[Column<'a>],
) -> Result<RecordBatch, RowsRefused> {
    check_shape(table, filled.as_ref().map(|(name, _)| *name), columns)?;
    let mut fields: Vec<(&str, ArrayRef)> = filled.into_iter().collect();
    for column in columns {
        let array = array(column).map_err(|error| malformed(column, error))?;
        fields.push((column.name, array));
    }
    let schema = fields
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(schema.collect::<Vec<_>>()));
    let arrays = fields.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(schema, arrays).map_err(|error| RowsRefused::Malformed {
        column: table.to_owned(),
        reason: error.to_string(),
    })
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

fn array(column: &Column<'_>) -> Result<ArrayRef, ArrowError> {
    let nulls = nulls(column);
    Ok(match column.kind {
        ValueKind::Null => Arc::new(NullArray::new(column.rows)),
        ValueKind::Boolean => {
            let values = column.integers.iter().map(|value| *value != 0).collect();
            Arc::new(BooleanArray::new(values, nulls))
        }
        ValueKind::Integer => Arc::new(Int64Array::try_new(integers(column), nulls)?),
        ValueKind::Timestamp => Arc::new(TimestampMicrosecondArray::try_new(integers(column), nulls)?),
        ValueKind::Float => Arc::new(Float64Array::try_new(
            ScalarBuffer::from(column.floats.to_vec()),
            nulls,
        )?),
        ValueKind::Text => {
            let (offsets, bytes) = pieces(column);
            Arc::new(StringArray::try_new(offsets, bytes, nulls)?)
        }
        ValueKind::Blob => {
            let (offsets, bytes) = pieces(column);
            Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
        }
    })
}

/// Whether the values are what their kind says: all bytes are, but not all are texts.
fn is_readable(column: &Column<'_>) -> bool {
    if column.kind != ValueKind::Text {
        return true;
    }
    let Ok(text) = std::str::from_utf8(piece_bytes(column)) else {
        return false;
    };
    let mut offsets = column.offsets.iter().map(|offset| usize::try_from(*offset));
    offsets.all(|offset| offset.is_ok_and(|offset| text.is_char_boundary(offset)))
}

fn nulls(column: &Column<'_>) -> Option<NullBuffer> {
    let validity = column.validity;
    (!validity.is_empty()).then(|| validity.iter().map(|valid| *valid != 0).collect())
}

fn integers(column: &Column<'_>) -> ScalarBuffer<i64> {
    ScalarBuffer::from(column.integers.to_vec())
}

fn pieces(column: &Column<'_>) -> (OffsetBuffer<i32>, Buffer) {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(column.offsets.to_vec()));
    (offsets, Buffer::from(piece_bytes(column)))
}

/// The bytes of all texts or blobs, without what may follow the last.
fn piece_bytes<'a>(column: &Column<'a>) -> &'a [u8] {
    let end = column.offsets.last().and_then(|end| usize::try_from(*end).ok());
    &column.bytes[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests;
