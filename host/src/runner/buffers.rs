//! Buffers for transcripts. To use one again costs less than to let the system clear fresh memory.
//!
//! Runs that begin together read transcripts into memory that worker processes can read, if one of them needs any.
//!
//! # Threads
//! The workers of a run share them. The lock is held only for moments.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::share::Share;
use crate::{plugins::RunsIn, shared_memory::TranscriptBytes};

/// A smaller buffer is not kept: the allocator has such memory at hand.
const SMALLEST: usize = 64 << 10;

/// How many bytes the buffers that are kept may have.
const KEPT: usize = 8 << 20;

/// The buffers that nobody uses.
pub(super) struct Buffers {
    free: Mutex<Vec<Vec<u8>>>,
    share: Arc<Share>,
}

impl Buffers {
    /// For the transcripts of a processor whose code runs here.
    pub(super) fn for_code_in(place: RunsIn, share: &Arc<Share>) -> Self {
        let shared = match place {
            RunsIn::Host => Ok(()),
            RunsIn::Workers | RunsIn::ConfinedWorkers(_) => share.begin_to_share_memory(),
        };
        if let Err(error) = shared {
            tracing::warn!("the run copies each transcript for its worker processes: {error}");
        }
        Self {
            free: Mutex::default(),
            share: Arc::clone(share),
        }
    }

    /// A buffer for so many bytes. One of the host's own may have room for up to twice as many, or for none yet.
    pub(super) fn take(&self, bytes: u64) -> TranscriptBytes {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let shared = self.share.memory().and_then(|memory| memory.take(bytes));
        match shared {
            Some(buffer) => TranscriptBytes::Shared(buffer),
            None => TranscriptBytes::Own(self.take_own(bytes)),
        }
    }

    fn take_own(&self, bytes: usize) -> Vec<u8> {
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
    pub(super) fn give(&self, buffer: TranscriptBytes) {
        match buffer {
            TranscriptBytes::Own(buffer) => self.give_own(buffer),
            TranscriptBytes::Shared(buffer) => drop(buffer),
        }
    }

    fn give_own(&self, buffer: Vec<u8>) {
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

    fn in_host() -> Buffers {
        Buffers::for_code_in(RunsIn::Host, &Arc::new(Share::alone()))
    }

    #[test]
    fn the_smallest_buffer_that_fits_is_used_again() {
        let buffers = in_host();
        for capacity in [300_000, 100_000, 200_000] {
            buffers.give_own(Vec::with_capacity(capacity));
        }
        assert_eq!(buffers.take_own(150_000).capacity(), 200_000);
        assert_eq!(buffers.take_own(150_000).capacity(), 300_000);
        assert_eq!(buffers.take_own(150_000).capacity(), 0);
        assert_eq!(
            buffers.take_own(40_000).capacity(),
            0,
            "it would take more than twice its bytes"
        );
    }

    #[test]
    fn what_is_kept_is_limited() {
        let buffers = in_host();
        for _ in 0..10 {
            buffers.give_own(Vec::with_capacity(KEPT / 4));
        }
        assert_eq!(buffers.lock().len(), 4);
        buffers.give_own(Vec::with_capacity(SMALLEST - 1));
        assert_eq!(buffers.lock().len(), 4);
    }

    #[test]
    fn what_runs_read_together_is_shared_if_one_of_them_needs_it() {
        let shares: Vec<Arc<Share>> = Share::among(2).into_iter().map(Arc::new).collect();
        let of_host = Buffers::for_code_in(RunsIn::Host, &shares[0]);
        assert!(matches!(of_host.take(1), TranscriptBytes::Own(_)));
        let of_workers = Buffers::for_code_in(RunsIn::Workers, &shares[1]);
        for buffers in [&of_host, &of_workers] {
            assert!(matches!(buffers.take(1), TranscriptBytes::Shared(_)));
            assert!(
                matches!(buffers.take(u64::MAX), TranscriptBytes::Own(_)),
                "there is no room"
            );
        }
    }
}
