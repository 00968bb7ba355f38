//! DuckDB's error texts, and what the host concludes from them.
//!
//! DuckDB's C interface returns no error codes, only texts that begin with the class of the error. The host interprets
//! these texts only here and in [`Trouble`].

use super::trouble::Trouble;

/// DuckDB's error for a failed statement.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseError(duckdb::Error);

impl From<duckdb::Error> for DatabaseError {
    fn from(error: duckdb::Error) -> Self {
        Self(error)
    }
}

/// Whether PostgreSQL tells of transactions that wrote the same rows, through DuckDB's extension.
fn is_conflict_in_postgres(text: &str) -> bool {
    const SAID: [&str; 3] = [
        "ERROR:  could not serialize access",
        "ERROR:  deadlock detected",
        "ERROR:  duplicate key value violates unique constraint",
    ];
    const CLASSES: [&str; 2] = ["Invalid Error: Failed to ", "Failed to append: Failed to "];
    CLASSES.iter().any(|class| text.starts_with(class)) && SAID.iter().any(|said| text.contains(said))
}

impl DatabaseError {
    /// The trouble of the whole state that caused this error, if there is one.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        Trouble::of(&self.to_string())
    }

    /// Whether two transactions wrote the same rows, so that the same work may succeed if it is repeated.
    ///
    /// If two transactions insert the same key first, the second gets a duplicate key, because it cannot see the first.
    pub(super) fn is_conflict(&self) -> bool {
        const CLASSES: [&str; 2] = ["TransactionContext Error", "Constraint Error: Duplicate key"];
        let text = self.to_string();
        let is_of_duckdb = CLASSES.iter().any(|class| text.starts_with(class));
        (is_of_duckdb || is_conflict_in_postgres(&text)) && self.trouble().is_none()
    }

    /// Whether DuckDB reports a failure of the database instead of the statement.
    pub(super) fn is_fatal(&self) -> bool {
        self.to_string().starts_with("IO Error")
    }

    /// Whether a file that a statement names does not exist, which DuckDB also reports as an I/O error.
    pub(super) fn names_no_file(&self) -> bool {
        self.to_string().contains("No files found")
    }
}
