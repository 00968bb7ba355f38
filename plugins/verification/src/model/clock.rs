//! Time, as far as asking a model needs it.

use std::{
    fmt, thread,
    time::{Duration, Instant, SystemTime},
};

/// What tells the time and waits.
pub(crate) trait Clock: fmt::Debug + Send + Sync {
    /// The time since some point that never changes.
    fn elapsed(&self) -> Duration;
    /// The time of day, which `Retry-After` may be given in.
    fn time_of_day(&self) -> SystemTime;
    /// Waits so long.
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
