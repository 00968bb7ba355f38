//! A clock for tests. It advances only when someone waits.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime},
};

use crate::model::{cancellation::Cancellation, clock::Clock};

/// A clock that advances only when someone waits, and remembers the waits.
#[derive(Debug, Default)]
pub(crate) struct StillClock {
    waits: Mutex<Vec<Duration>>,
}

impl StillClock {
    /// The duration of each wait.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }
}

impl Clock for StillClock {
    fn elapsed(&self) -> Duration {
        self.waits.lock().unwrap().iter().sum()
    }

    fn time_of_day(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.elapsed()
    }

    fn wait(&self, duration: Duration, _: &dyn Cancellation) {
        self.waits.lock().unwrap().push(duration);
    }
}
