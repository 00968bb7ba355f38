//! DuckDB's error texts, and what the host concludes from them.
//!
//! DuckDB's C interface returns no error codes, only texts that begin with the class of the error. The host interprets
//! these texts only here and in [`Trouble`].

use super::{conflict::Conflict, trouble::Trouble};

/// DuckDB's error for a failed statement.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseError(duckdb::Error);

impl From<duckdb::Error> for DatabaseError {
    fn from(error: duckdb::Error) -> Self {
        Self(error)
    }
}

/// The conflict that PostgreSQL tells of, through DuckDB's extension.
fn conflict_in_postgres(text: &str) -> Option<Conflict> {
    const CLASSES: [&str; 3] = [
        "Invalid Error: Failed to ",
        "Failed to append: Failed to ",
        // The rows of a query that PostgreSQL answers itself.
        "IO Error: Failed to fetch header for COPY: ",
    ];
    if !CLASSES.iter().any(|class| text.starts_with(class)) {
        return None;
    }
    let says = |said: &str| text.contains(said);
    if says("ERROR:  could not serialize access") || says("ERROR:  deadlock detected") {
        return Some(Conflict::Rows);
    }
    says("ERROR:  duplicate key value violates unique constraint").then(|| Conflict::Key(text.to_owned()))
}

impl DatabaseError {
    /// The trouble of the whole state that caused this error, if there is one.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        Trouble::of(&self.to_string())
    }

    /// The conflict that this tells of, so that the same work may succeed if it is repeated.
    pub(super) fn conflict(&self) -> Option<Conflict> {
        /// DuckDB has other words for rows of one transaction that collide.
        const CLASSES: [&str; 2] = ["TransactionContext Error", "Constraint Error: Duplicate key"];
        let text = self.to_string();
        match CLASSES.iter().any(|class| text.starts_with(class)) {
            _ if self.trouble().is_some() => None,
            true => Some(Conflict::Rows),
            false => conflict_in_postgres(&text),
        }
    }

    /// Whether DuckDB reports a failure of the database instead of the statement.
    pub(super) fn is_fatal(&self) -> bool {
        self.to_string().starts_with("IO Error") && self.conflict().is_none()
    }

    /// Whether a file that a statement names does not exist, which DuckDB also reports as an I/O error.
    pub(super) fn names_no_file(&self) -> bool {
        self.to_string().contains("No files found")
    }
}
