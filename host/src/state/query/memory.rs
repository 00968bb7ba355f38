//! Watches the memory of the process while a query runs.
//!
//! DuckDB's own limit does not count the texts and lists that an expression makes, and it hears an interrupt only between
//! two steps. So there are two bounds: at the first the query is interrupted, at the second the process ends.
//!
//! # Threads
//! A thread of its own looks at the memory while the calling thread runs the query, and has ended when [`within`] returns.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{process, state::engine::interrupt::Interrupt};

/// At how many times its limit a query that hears no interrupt ends the process.
const BEYOND: u64 = 4;

/// How what was watched ended.
pub(crate) enum Watched<T> {
    /// With this result, within its limit.
    Ended(T),
    /// It went beyond its limit and was interrupted.
    Interrupted,
}

/// Does `work`, and interrupts it when the memory of the process grows by more than `limit` bytes meanwhile.
///
/// The process ends with exit status 1 when it grows by [`BEYOND`] times the limit all the same: the kernel would end
/// it, or something else, once the machine has no memory left.
///
/// # Errors
/// When the system gives no thread for the watch.
pub(crate) fn within<T>(limit: u64, interrupt: &Interrupt, work: impl FnOnce() -> T) -> io::Result<Watched<T>> {
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

/// How many bytes of memory the process may take.
#[derive(Clone, Copy)]
struct Bounds {
    /// Beyond this the query is interrupted.
    interrupted: u64,
    /// Beyond this the process ends.
    ended: u64,
}

fn watch(bounds: Bounds, interrupt: &Interrupt, ended: &AtomicBool, exceeded: &AtomicBool) {
    const AGAIN: Duration = Duration::from_millis(10);
    while !ended.load(Ordering::Acquire) {
        let resident = resident();
        if resident > bounds.ended {
            tracing::error!(
                resident,
                "ending with exit status 1: one step of a query takes memory without end and hears no interrupt; nothing that was committed is lost"
            );
            process::end_at_once(1);
        }
        if resident > bounds.interrupted {
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
