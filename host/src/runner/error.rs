//! Why a whole run fails.

use crate::{
    sessions::ScanError,
    state::{SchemaRefused, StateError},
};

/// Why a whole run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The host panicked.
    #[error("the run panicked: {0}; please report this bug in session-host")]
    Panicked(String),
    /// An earlier attempt has not returned.
    #[error(
        "processor {processor} is out of service until its attempt at {session} returns: restart the service if it never does"
    )]
    Wedged {
        /// The processor.
        processor: String,
        /// The session of that attempt; if there are several, all of their sessions.
        session: String,
    },
    /// The sessions directory cannot be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// Another host has other tables of the processor.
    #[error(transparent)]
    Tables(SchemaRefused),
    /// This host cannot reach the state that it shares with others, so nobody knows what it owns.
    #[error(
        "the run did not begin, because this host is none of those that share the state now: {0}; it joins them again by itself"
    )]
    NoMember(String),
    /// No worker could be started.
    #[error("cannot start a worker: {0}")]
    Worker(std::io::Error),
    /// No instance of the processor can be made, or no worker process started.
    #[error(
        "the processor is unavailable, because its code cannot be started: {0}; the next run and each reload try again"
    )]
    NotStarted(String),
}

impl RunError {
    /// Whether the run failed only because the connection to a shared state did, or others took this host for dead.
    #[must_use]
    pub fn is_of_the_connection(&self) -> bool {
        match self {
            Self::NoMember(_) => true,
            Self::State(error) => error.is_of_the_connection(),
            _ => false,
        }
    }
}

impl From<SchemaRefused> for RunError {
    fn from(refused: SchemaRefused) -> Self {
        match refused {
            SchemaRefused::State(error) => Self::State(error),
            refused => Self::Tables(refused),
        }
    }
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        Self::Worker(error)
    }
}
