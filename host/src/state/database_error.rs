//! DuckDB's error texts, and what the host concludes from them.
//!
//! DuckDB gives no codes over its C interface, only texts that begin with the class of the error. Whatever the host
//! concludes from such a text, it concludes here and in [`Trouble`].

use super::trouble::Trouble;

/// What the database says of a statement that failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseError(duckdb::Error);

impl From<duckdb::Error> for DatabaseError {
    fn from(error: duckdb::Error) -> Self {
        Self(error)
    }
}

impl DatabaseError {
    /// What is wrong with the state as a whole, where that is why.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        Trouble::of(&self.to_string())
    }

    /// Whether two transactions wrote the same rows: the same work may succeed when it is tried again.
    ///
    /// Two first inserts of one key show as a duplicate key to the second one, which cannot see the first.
    pub(super) fn is_conflict(&self) -> bool {
        const CLASSES: [&str; 2] = ["TransactionContext Error", "Constraint Error: Duplicate key"];
        let text = self.to_string();
        CLASSES.iter().any(|class| text.starts_with(class)) && self.trouble().is_none()
    }

    /// Whether DuckDB tells of a failure of the database instead of the statement.
    pub(super) fn is_fatal(&self) -> bool {
        self.to_string().starts_with("IO Error")
    }

    /// Whether a file that a statement names is not there, which is an I/O error to DuckDB too.
    pub(super) fn names_no_file(&self) -> bool {
        self.to_string().contains("No files found")
    }
}
