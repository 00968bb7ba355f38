//! What may go wrong between the machines.

use std::io;

use crate::postgres::PostgresError;

/// Why something could not be agreed on.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// PostgreSQL did not do it.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// Others have taken this machine for dead meanwhile. It joins anew by itself.
    #[error("the other hosts took this one for dead, because it did not renew in time; it joins anew by itself")]
    Fenced,
    /// The system gives no thread.
    #[error("cannot start the thread that speaks to the other hosts: {0}")]
    Thread(io::Error),
    /// The thread has ended, or waits for PostgreSQL.
    #[error("the connection to the other hosts does not answer; check that PostgreSQL can be reached, and try again")]
    NoAnswer,
}

impl ClusterError {
    /// Whether PostgreSQL is out of reach or takes no writes.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.is_outage())
    }
}
