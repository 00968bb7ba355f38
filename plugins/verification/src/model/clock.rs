//! The clock, as a trait so that tests need not wait.

use std::{
    fmt, thread,
    time::{Duration, Instant, SystemTime},
};

/// Tells the time and waits.
pub(crate) trait Clock: fmt::Debug + Send + Sync {
    /// The time since a fixed point.
    fn elapsed(&self) -> Duration;
    /// The time of day, because `Retry-After` may name one.
    fn time_of_day(&self) -> SystemTime;
    /// Waits for this duration.
    fn wait(&self, duration: Duration);
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

    fn wait(&self, duration: Duration) {
        thread::sleep(duration);
    }
}
