//! One attempt in flight: it ends or is abandoned, and whichever comes first counts.
//!
//! # Threads
//! The worker makes the attempt, and the conductor watches it. An atomic phase decides between them: after the worker has
//! ended the attempt nobody abandons it, and after the conductor has abandoned it no outcome of it counts. The lock of the
//! resources is held for moments. The lock of the transaction is held while a statement runs, so the conductor only tries
//! it, and interrupts the statement where it is taken.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};

use super::{candidates::Candidate, lane::OnLane, memory::Held, own_transaction::OwnTransaction};
use crate::{plugins::Wedge, state::Interrupt};

/// One attempt, shared by the thread that makes it and the one that watches it.
pub(super) struct Flight {
    candidate: Candidate,
    phase: AtomicU8,
    resources: Mutex<Resources>,
    transaction: Mutex<OwnTransaction>,
}

/// What an attempt holds, and gives back when it is abandoned.
#[derive(Default)]
struct Resources {
    memory: Option<Held>,
    lane: Option<OnLane>,
    query: Option<Interrupt>,
    busy_since: Option<Instant>,
    wedge: Option<Wedge>,
}

const IN_FLIGHT: u8 = 0;
const ENDED: u8 = 1;
const ABANDONED: u8 = 2;

impl Flight {
    pub(super) fn begin(candidate: Candidate) -> Arc<Self> {
        Arc::new(Self {
            candidate,
            phase: AtomicU8::new(IN_FLIGHT),
            resources: Mutex::default(),
            transaction: Mutex::default(),
        })
    }

    pub(super) fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// Since when the attempt has all that it waits for; `None` while it waits for its turn.
    pub(super) fn busy_since(&self) -> Option<Instant> {
        self.resources().busy_since
    }

    /// Ends the attempt; `false` when it was abandoned before, so that its result must be discarded.
    pub(super) fn end(&self) -> bool {
        self.change_phase(IN_FLIGHT, ENDED) || self.phase.load(Ordering::Acquire) == ENDED
    }

    /// Puts an ended attempt in flight again, to make it once more.
    pub(super) fn resume(&self) {
        self.change_phase(ENDED, IN_FLIGHT);
    }

    /// Abandons the attempt: what it holds is free again, and its processor is wedged until it returns. `false` when it
    /// ended before.
    pub(super) fn abandon(&self, wedge: impl FnOnce() -> Wedge) -> bool {
        let mut resources = self.resources();
        let abandoned = self.change_phase(IN_FLIGHT, ABANDONED);
        if abandoned {
            (resources.memory, resources.lane, resources.busy_since) = (None, None, None);
            resources.wedge = Some(wedge());
            drop(resources);
            self.roll_back();
        }
        abandoned
    }

    /// Lifts the wedge of an abandoned attempt that has returned.
    pub(super) fn returns(&self) {
        let wedge = self.resources().wedge.take();
        drop(wedge);
    }

    /// Rolls the attempt's transaction back; while a statement of it runs, interrupts that.
    pub(super) fn roll_back(&self) {
        match self.transaction.try_lock() {
            Ok(mut transaction) => transaction.roll_back(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().roll_back(),
            Err(TryLockError::WouldBlock) => {
                if let Some(query) = &self.resources().query {
                    query.interrupt();
                }
            }
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.phase.load(Ordering::Acquire) == ABANDONED
    }

    /// Keeps the memory that the snapshot takes until the attempt ends or is abandoned.
    pub(super) fn holds(&self, memory: Held) {
        let mut resources = self.resources();
        resources.memory = Some(memory);
        resources.busy_since = Some(Instant::now());
    }

    /// Lets `enter` wait for a place on the lane; that time is not the attempt's.
    pub(super) fn enters(&self, enter: impl FnOnce() -> OnLane) {
        self.resources().busy_since = None;
        let lane = enter();
        let mut resources = self.resources();
        resources.lane = Some(lane);
        resources.busy_since = Some(Instant::now());
    }

    /// Gives the place on the lane back.
    pub(super) fn leaves(&self) {
        self.resources().lane = None;
    }

    /// Keeps what interrupts the attempt's query.
    pub(super) fn queries_with(&self, query: Interrupt) {
        self.resources().query = Some(query);
    }

    /// The attempt's own transaction. Held while a statement runs.
    pub(super) fn transaction(&self) -> MutexGuard<'_, OwnTransaction> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_phase(&self, from: u8, to: u8) -> bool {
        self.phase
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    fn resources(&self) -> MutexGuard<'_, Resources> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Flight")
            .field("candidate", &self.candidate)
            .finish_non_exhaustive()
    }
}
