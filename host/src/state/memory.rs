//! Watches the memory of the process while a query runs.
//!
//! DuckDB's own limit does not count the texts that an expression makes.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use duckdb::InterruptHandle;

/// How what was watched ended.
pub(super) enum Watched<T> {
    /// With this result, within its limit.
    Ended(T),
    /// It went beyond its limit and was interrupted.
    Interrupted,
}

/// Does `work`, and interrupts it when the memory of the process grows by more than `limit` bytes meanwhile.
///
/// # Errors
/// When the system gives no thread for the watch.
pub(super) fn within<T>(
    limit: u64,
    interrupt: &Arc<InterruptHandle>,
    work: impl FnOnce() -> T,
) -> io::Result<Watched<T>> {
    let most = resident().saturating_add(limit);
    let (ended, exceeded) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let watch = || watch(most, interrupt, &ended, &exceeded);
        let watching = thread::Builder::new()
            .name("query-memory".to_owned())
            .spawn_scoped(scope, watch)?;
        let ending = Ending {
            ended: &ended,
            watching: watching.thread().clone(),
        };
        let result = work();
        drop(ending);
        Ok(match exceeded.load(Ordering::Acquire) {
            true => Watched::Interrupted,
            false => Watched::Ended(result),
        })
    })
}

/// Ends the watch, however the work ends.
struct Ending<'a> {
    ended: &'a AtomicBool,
    watching: thread::Thread,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.watching.unpark();
    }
}

fn watch(most: u64, interrupt: &InterruptHandle, ended: &AtomicBool, exceeded: &AtomicBool) {
    const AGAIN: Duration = Duration::from_millis(10);
    while !ended.load(Ordering::Acquire) {
        if resident() > most {
            exceeded.store(true, Ordering::Release);
            // Between two steps of the query nobody hears it: the next look interrupts again.
            interrupt.interrupt();
        }
        thread::park_timeout(AGAIN);
    }
}

/// How many bytes of memory the process takes; 0 where the system does not tell.
fn resident() -> u64 {
    memory_stats::memory_stats().map_or(0, |memory| memory.physical_mem as u64)
}
