//! How far a run is, for whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of a run that is going on.
#[derive(Debug, Default)]
pub struct Progress {
    scanned: AtomicU64,
    settled: AtomicU64,
    bytes_read: AtomicU64,
}

impl Progress {
    /// How many sessions are to be looked at; 0 until the scan is done.
    #[must_use]
    pub fn scanned(&self) -> u64 {
        self.scanned.load(Ordering::Relaxed)
    }

    /// How many of them are processed, skipped or failed.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.settled.load(Ordering::Relaxed)
    }

    /// How many bytes of transcripts were read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, scanned: u64) {
        self.scanned.store(scanned, Ordering::Relaxed);
    }

    pub(super) fn settle(&self, bytes: u64) {
        self.settled.fetch_add(1, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }
}
