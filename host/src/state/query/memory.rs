//! Watches the memory of the process while a query runs.
//!
//! DuckDB's own limit does not count the texts and lists that an expression creates, and DuckDB notices an interrupt
//! only between two steps. So there are two limits: beyond the first, the query is interrupted; beyond the second, the
//! process ends.
//!
//! # Threads
//! A separate thread watches the memory while the calling thread runs the query. It has ended when [`within`] returns.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{process, state::engine::interrupt::Interrupt, threads::Ending};

/// The process ends if a query that ignores interrupts takes this many times its limit.
const BEYOND: u64 = 4;

/// How the watched work ended.
pub(crate) enum Watched<T> {
    /// Within its limit, with this result.
    Ended(T),
    /// It exceeded its limit and was interrupted.
    Interrupted,
}

/// Does `work`, and interrupts it if the memory of the process grows by more than `limit` bytes meanwhile. Without a limit
/// there is nothing to watch.
///
/// If it still grows to [`BEYOND`] times the limit, the process ends with exit status 1. Otherwise the kernel would
/// kill it, or something else, once the machine has no memory left.
///
/// # Errors
/// When the watching thread cannot be started.
pub(crate) fn within<T>(limit: u64, interrupt: &Interrupt, work: impl FnOnce() -> T) -> io::Result<Watched<T>> {
    if limit == u64::MAX {
        return Ok(Watched::Ended(work()));
    }
    let before = resident();
    let bounds = Bounds {
        interrupted: before.saturating_add(limit),
        ended: before.saturating_add(limit.saturating_mul(BEYOND)),
    };
    let (ended, exceeded) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let watch = || watch(bounds, interrupt, &ended, &exceeded);
        let watching = thread::Builder::new()
            .name("query-memory".to_owned())
            .spawn_scoped(scope, watch)?;
        let ending = Ending::new(&ended, watching.thread().clone());
        let result = work();
        drop(ending);
        Ok(match exceeded.load(Ordering::Acquire) {
            true => Watched::Interrupted,
            false => Watched::Ended(result),
        })
    })
}

/// The limits on the memory of the process, in bytes.
#[derive(Clone, Copy)]
struct Bounds {
    /// Above this, the query is interrupted.
    interrupted: u64,
    /// Above this, the process ends.
    ended: u64,
}

fn watch(bounds: Bounds, interrupt: &Interrupt, ended: &AtomicBool, exceeded: &AtomicBool) {
    const AGAIN: Duration = Duration::from_millis(10);
    while !ended.load(Ordering::Acquire) {
        let resident = resident();
        if resident > bounds.ended {
            tracing::error!(
                resident,
                "ending with exit status 1: one step of a query takes memory without end and cannot be interrupted; no committed data is lost"
            );
            process::end_at_once(1);
        }
        if resident > bounds.interrupted {
            exceeded.store(true, Ordering::Release);
            // DuckDB misses an interrupt between two steps of the query, so the next check interrupts again.
            interrupt.interrupt();
        }
        thread::park_timeout(AGAIN);
    }
}

/// How many bytes of memory the process takes; 0 if the system does not say.
fn resident() -> u64 {
    memory_stats::memory_stats().map_or(0, |memory| memory.physical_mem as u64)
}
