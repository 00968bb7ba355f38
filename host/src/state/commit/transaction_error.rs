//! Why a statement of a processor failed.

use crate::state::{
    commit::rules::Forbidden, conflict::Conflict, database_error::DatabaseError, error::StateError,
    rows::result_columns::ColumnError, trouble::Trouble,
};

/// Why a statement of a processor failed.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// The database rejects it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The processor may not run it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// It was run again, and changed another number of rows.
    #[error("it changed {now} rows instead of {before}")]
    Otherwise {
        /// How many rows it changed the first time.
        before: u64,
        /// How many rows it changed now.
        now: u64,
    },
    /// It ended the transaction.
    #[error("the statement ended the attempt's transaction: leave BEGIN, COMMIT and ROLLBACK to the host")]
    Ended,
    /// A parameter is malformed.
    #[error("parameter {place} is malformed")]
    Parameter {
        /// Its place, from 1.
        place: usize,
    },
    /// A column cannot cross to the plugin.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// The plugin did not accept the rows.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

/// The plugin did not accept the rows of a query.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the plugin did not accept the rows of the query")]
pub struct NotTaken;

impl From<duckdb::Error> for TransactionError {
    fn from(error: duckdb::Error) -> Self {
        Self::Database(error.into())
    }
}

impl TransactionError {
    /// What the transaction met, if the same statements may succeed if the attempt is repeated.
    #[must_use]
    pub fn conflict(&self) -> Option<Conflict> {
        match self {
            Self::Database(error) => error.conflict(),
            _ => None,
        }
    }

    /// The error of the state, if its disk or file is to blame instead of the statement.
    ///
    /// # Errors
    /// Returns itself if the statement is to blame.
    pub fn into_trouble(self) -> Result<StateError, Self> {
        match self {
            Self::Database(error) if error.trouble().is_some_and(|trouble| trouble != Trouble::Invalidated) => {
                Ok(StateError::of_statement("run a statement of the processor", error))
            }
            error => Err(error),
        }
    }
}
