//! How long the calls of a load took.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::service::Service;

/// How long calls took, ascending, and how long they were made.
pub(crate) struct Latencies {
    ascending: Vec<Duration>,
    measured: Duration,
}

impl Latencies {
    pub(crate) fn of(mut calls: Vec<Duration>, measured: Duration) -> Self {
        calls.sort_unstable();
        Self {
            ascending: calls,
            measured,
        }
    }

    pub(crate) fn show(&self) -> String {
        let per_second = self.ascending.len() as f64 / self.measured.as_secs_f64();
        format!(
            "{per_second:>6.0} /s    p50 {:.2} ms, p99 {:.2} ms",
            self.quantile(50),
            self.quantile(99)
        )
    }

    fn quantile(&self, percent: usize) -> f64 {
        let place = (self.ascending.len() * percent / 100).min(self.ascending.len().saturating_sub(1));
        self.ascending
            .get(place)
            .map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// Measures while a processor processes everything again and again; also gives how long each of these runs took.
pub(crate) fn beside_runs<T>(
    service: &Service,
    processor: &str,
    measure: impl FnOnce() -> Result<T>,
) -> Result<(T, Vec<Duration>)> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let busy = scope.spawn(|| service.connect()?.keep_busy(processor, &stop));
        let measured = measure();
        stop.store(true, Ordering::Release);
        let runs = busy.join().map_err(|_| anyhow!("the thread of the runs panicked"))??;
        Ok((measured?, runs))
    })
}
