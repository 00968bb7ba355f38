//! The limits of a run.

use std::time::Duration;

use super::retry_policy::RetryPolicy;

/// The limits of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// The maximum number of attempts; `None` for no limit.
    pub max_sessions: Option<u64>,
    /// How long the run may begin attempts.
    pub time_budget: Duration,
    /// How many attempts may call the processor at once.
    pub workers: usize,
    /// How long one attempt may take before it is abandoned.
    pub attempt_timeout: Duration,
    /// How long attempts may continue after the run was told to stop.
    pub shutdown_grace: Duration,
    /// The maximum size of a transcript, in bytes.
    pub max_session_bytes: u64,
    /// When it attempts sessions again that failed.
    pub retry: RetryPolicy,
}
