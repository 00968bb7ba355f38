//! The clock, as a trait so that tests need not wait.

use std::{
    fmt, thread,
    time::{Duration, Instant, SystemTime},
};

use super::cancellation::{ASK_AGAIN, Cancellation};

/// Tells the time and waits.
pub(crate) trait Clock: fmt::Debug + Send + Sync {
    /// The time since a fixed point.
    fn elapsed(&self) -> Duration;
    /// The time of day, because `Retry-After` may name one.
    fn time_of_day(&self) -> SystemTime;
    /// Waits for this duration, or until the session is cancelled.
    fn wait(&self, duration: Duration, cancellation: &dyn Cancellation);
}

/// The system's clock.
#[derive(Debug)]
pub(crate) struct SystemClock {
    began: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { began: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn time_of_day(&self) -> SystemTime {
        SystemTime::now()
    }

    fn wait(&self, duration: Duration, cancellation: &dyn Cancellation) {
        let began = Instant::now();
        while !cancellation.is_cancelled() {
            match duration.checked_sub(began.elapsed()) {
                Some(left) if !left.is_zero() => thread::sleep(left.min(ASK_AGAIN)),
                _ => return,
            }
        }
    }
}
