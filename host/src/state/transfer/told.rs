//! What people see of a copy.

/// A step of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// It goes on with an unfinished copy.
    GoesOn,
    /// It begins from the first row, because an unfinished copy is of no use.
    BeginsAnew {
        /// Why.
        why: &'static str,
    },
    /// A batch of rows was committed.
    Rows {
        /// The table.
        table: &'a str,
        /// How many of its rows are copied.
        copied: u64,
        /// How many it has.
        of: u64,
    },
    /// The rows of a table were compared, and are the same.
    Same {
        /// The table.
        table: &'a str,
        /// How many there are.
        rows: u64,
    },
}

/// A table that was copied. Its rows are the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// The name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// The sum of the rows' hashes, on both sides.
    pub checksum: String,
    /// How many texts had zero bytes, which the copy has as U+FFFD.
    pub altered_texts: u64,
}
