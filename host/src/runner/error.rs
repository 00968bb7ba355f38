//! Why a run as a whole fails.

use crate::{sessions::ScanError, state::StateError};

/// Why a run as a whole failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The host itself panicked.
    #[error("the run panicked, which is a fault of the host: {0}")]
    Panicked(String),
    /// An earlier attempt does not return.
    #[error(
        "processor {processor} is out of service until its attempt at {session} returns: restart the service if it never does"
    )]
    Wedged {
        /// The processor.
        processor: String,
        /// The session; where there are several such attempts, all of theirs.
        session: String,
    },
    /// The sessions directory cannot be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// No thread could be started.
    #[error("cannot start a worker: {0}")]
    Worker(std::io::Error),
    /// After a panic no fresh instance could be made.
    #[error("the processor panicked, and no fresh instance of it can be made: {0}")]
    NotRenewed(String),
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        Self::Worker(error)
    }
}
