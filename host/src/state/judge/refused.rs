//! Why a statement is not run.

use crate::state::{database_error::DatabaseError, judge::plan::NoPlan};

/// Why a statement is not run.
#[derive(Debug, thiserror::Error)]
pub enum StatementRefused {
    /// There is none.
    #[error("there is no statement to run")]
    Empty,
    /// It is too long to be read in time.
    #[error("the text has {bytes} bytes, more than the {most} that a query may have")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// There are several.
    #[error("one call runs one statement, this text holds {0}: make a call for each")]
    Several(u64),
    /// DuckDB makes two statements of a PIVOT whose columns it has yet to find.
    #[error("a PIVOT without IN is two statements to DuckDB: name the columns with IN")]
    Pivot,
    /// DuckDB reads statements in it that cannot be told apart.
    #[error("the text holds {0} statements that cannot be told apart: leave semicolons out of its comments")]
    Inseparable(u64),
    /// It is of a kind that the call does not take.
    #[error("`{call}` does not take {found}: it takes {taken}")]
    Kind {
        /// The method that was called.
        call: &'static str,
        /// The statement's first word.
        found: String,
        /// What the method takes.
        taken: &'static str,
    },
    /// It calls a function that does more than to compute.
    #[error("`{0}()` is not called here: it changes more than rows, reads files, or hides what is run")]
    Function(String),
    /// It names a file in the place of a table.
    #[error("`{0}` is no table of the state, and files are not read here")]
    NoTable(String),
    /// It writes to something that is no table of the state.
    #[error("`{0}` is no table of the state's main schema: a processor writes its own tables there")]
    Elsewhere(String),
    /// What it does cannot be told, or DuckDB refuses it.
    #[error("{0}")]
    Unplanned(String),
    /// DuckDB cannot read it.
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
