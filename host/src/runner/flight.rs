//! Attempts in flight: each can end or be abandoned, and whichever comes first counts.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};

use duckdb::InterruptHandle;

use super::{candidates::Candidate, memory::Held};

/// One attempt, shared by the thread that makes it and the one that watches it.
#[derive(Debug)]
pub(super) struct Flight {
    candidate: Candidate,
    attempted_since: OnceLock<Instant>,
    phase: AtomicU8,
    resources: Mutex<Resources>,
}

#[derive(Default)]
struct Resources {
    memory: Option<Held>,
    query: Option<Arc<InterruptHandle>>,
}

impl std::fmt::Debug for Resources {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Resources")
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

const FLYING: u8 = 0;
const SETTLED: u8 = 1;
const ABANDONED: u8 = 2;

impl Flight {
    pub(super) fn begin(candidate: Candidate) -> Arc<Self> {
        Arc::new(Self {
            candidate,
            attempted_since: OnceLock::new(),
            phase: AtomicU8::new(FLYING),
            resources: Mutex::default(),
        })
    }

    pub(super) fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// Since when the attempt has all that it waits for.
    pub(super) fn attempted_since(&self) -> Option<Instant> {
        self.attempted_since.get().copied()
    }

    /// Ends the attempt; `false` when it was abandoned before, so that its result must be discarded.
    pub(super) fn settle(&self) -> bool {
        self.phase
            .compare_exchange(FLYING, SETTLED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Takes a settled attempt back, to make it once more.
    pub(super) fn resume(&self) {
        // One that is flying still, or was abandoned, stays what it is.
        let _ = self
            .phase
            .compare_exchange(SETTLED, FLYING, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Gives the attempt up: its query is interrupted, its memory counted as free. `false` when it ended before.
    pub(super) fn abandon(&self) -> bool {
        let abandoned = self
            .phase
            .compare_exchange(FLYING, ABANDONED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        let resources = if abandoned {
            std::mem::take(&mut *self.lock())
        } else {
            Resources::default()
        };
        if let Some(query) = resources.query {
            query.interrupt();
        }
        abandoned
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.phase.load(Ordering::Acquire) == ABANDONED
    }

    /// Keeps the memory that the snapshot takes until the attempt ends or is abandoned, and begins to count its time.
    pub(super) fn begin_attempt(&self, memory: Held) {
        self.lock().memory = Some(memory);
        self.attempted_since.get_or_init(Instant::now);
    }

    /// Keeps what interrupts the attempt's query.
    pub(super) fn queries_with(&self, query: Arc<InterruptHandle>) {
        self.lock().query = Some(query);
    }

    fn lock(&self) -> MutexGuard<'_, Resources> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
