//! Why the host does not run a statement.

use crate::state::{database_error::DatabaseError, judge::plan::NoPlan};

/// Why the host does not run a statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementRefused {
    /// The text holds no statement.
    #[error("there is no statement to run")]
    Empty,
    /// The text is too long to be parsed in time.
    #[error("the text has {bytes} bytes, more than the {most} that a query may have")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// The maximum length.
        most: usize,
    },
    /// The text holds several statements.
    #[error("one call runs one statement, but this text holds {0}: make a call for each")]
    Several(u64),
    /// DuckDB makes two statements of a PIVOT whose columns it must find first.
    #[error("a PIVOT without IN is two statements to DuckDB: name the columns with IN")]
    Pivot,
    /// DuckDB sees several statements in the text, but the host cannot separate them.
    #[error("the text holds {0} statements that cannot be separated: leave semicolons out of its comments")]
    Inseparable(u64),
    /// The method does not accept statements of this kind.
    #[error("`{call}` does not accept {found}: it accepts {taken}")]
    Kind {
        /// The method that was called.
        call: &'static str,
        /// The statement's first word.
        found: String,
        /// What the method accepts.
        taken: &'static str,
    },
    /// It calls a function that does more than compute.
    #[error("`{0}()` cannot be called here: it changes more than rows, reads files, or hides which statement runs")]
    Function(String),
    /// It names a file instead of a table.
    #[error("`{0}` is not a table of the state, and statements cannot read files here")]
    NoTable(String),
    /// It writes to something other than a table of the state.
    #[error("`{0}` is not a table in the state's main schema: a processor writes only its own tables there")]
    Elsewhere(String),
    /// DuckDB cannot report what it does, or rejects it.
    #[error("{0}")]
    Unplanned(String),
    /// DuckDB cannot parse it.
    #[error("{0}")]
    Database(DatabaseError),
}

impl From<duckdb::Error> for StatementRefused {
    fn from(error: duckdb::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<NoPlan> for StatementRefused {
    fn from(no_plan: NoPlan) -> Self {
        match no_plan {
            NoPlan::Database(error) => Self::Database(error),
            no_plan => Self::Unplanned(no_plan.to_string()),
        }
    }
}
