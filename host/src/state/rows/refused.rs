//! Why the host rejects the rows of a plugin.

use session_plugin_api::abi::ValueKind;

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
