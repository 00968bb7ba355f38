//! The progress of a run, for the lists and the scheduler.
//!
//! # Threads
//! The conductor counts; anyone may read at any time. The counters are independent: a reader may see an attempt in one
//! counter before it shows in another.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of a run under way.
#[derive(Debug, Default)]
pub struct Progress {
    scanned: AtomicU64,
    ended: AtomicU64,
    bytes_read: AtomicU64,
}

impl Progress {
    /// How many candidates the run has; 0 until the scan has ended.
    #[must_use]
    pub fn scanned(&self) -> u64 {
        self.scanned.load(Ordering::Relaxed)
    }

    /// How many attempts at them have ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// How many bytes of transcripts were read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, scanned: u64) {
        self.scanned.store(scanned, Ordering::Relaxed);
    }

    pub(super) fn end(&self, bytes: u64) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }
}
