//! Buffers for transcripts. To use one again costs less than to let the system clear fresh memory.
//!
//! # Threads
//! The workers of a run share them. The lock is held only for moments.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A smaller buffer is not kept: the allocator has such memory at hand.
const SMALLEST: usize = 64 << 10;

/// How many bytes the buffers that are kept may have.
const KEPT: usize = 8 << 20;

/// The buffers that nobody uses.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    free: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// A buffer for so many bytes. It may have room for up to twice as many.
    pub(super) fn take(&self, bytes: u64) -> Vec<u8> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut free = self.lock();
        let fitting = free
            .iter()
            .enumerate()
            .filter(|(_, buffer)| buffer.capacity() >= bytes && buffer.capacity() / 2 <= bytes)
            .min_by_key(|(_, buffer)| buffer.capacity());
        let fitting = fitting.map(|(at, _)| at);
        fitting.map_or_else(Vec::new, |at| free.swap_remove(at))
    }

    /// Takes a buffer back.
    pub(super) fn give(&self, buffer: Vec<u8>) {
        let mut free = self.lock();
        let kept: usize = free.iter().map(Vec::capacity).sum();
        if buffer.capacity() >= SMALLEST && kept + buffer.capacity() <= KEPT {
            free.push(buffer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_buffer_that_fits_is_used_again() {
        let buffers = Buffers::default();
        for capacity in [300_000, 100_000, 200_000] {
            buffers.give(Vec::with_capacity(capacity));
        }
        assert_eq!(buffers.take(150_000).capacity(), 200_000);
        assert_eq!(buffers.take(150_000).capacity(), 300_000);
        assert_eq!(buffers.take(150_000).capacity(), 0);
        assert_eq!(
            buffers.take(40_000).capacity(),
            0,
            "it would take more than twice its bytes"
        );
    }

    #[test]
    fn what_is_kept_is_limited() {
        let buffers = Buffers::default();
        for _ in 0..10 {
            buffers.give(Vec::with_capacity(KEPT / 4));
        }
        assert_eq!(buffers.lock().len(), 4);
        buffers.give(Vec::with_capacity(SMALLEST - 1));
        assert_eq!(buffers.lock().len(), 4);
    }
}
