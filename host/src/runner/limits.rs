//! How far a run may go.

use std::time::Duration;

/// How far a run may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// How many attempts it may make; `None` for as many as it takes.
    pub max_sessions: Option<u64>,
    /// How long it may begin attempts.
    pub time_budget: Duration,
    /// How many attempts it may make at once.
    pub workers: usize,
    /// How long one attempt may take before it is abandoned.
    pub attempt_timeout: Duration,
    /// How long attempts may go on after the wish to end.
    pub shutdown_grace: Duration,
    /// How large a transcript may be, in bytes.
    pub max_session_bytes: u64,
}
