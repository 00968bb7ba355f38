//! One attempt in flight. It either ends or is abandoned; whichever happens first counts.
//!
//! # Threads
//! The worker makes the attempt, and the conductor watches it. An atomic phase decides between them: once the worker
//! has ended the attempt, nobody abandons it; once the conductor has abandoned it, its outcome does not count. The lock
//! on the resources is held only for moments. The lock on the transaction is held while a statement runs. So the
//! conductor only tries to take that lock, and interrupts the statement if it cannot.

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

/// One attempt, shared by the worker that makes it and the conductor that watches it.
pub(super) struct Flight {
    candidate: Candidate,
    phase: AtomicU8,
    resources: Mutex<Resources>,
    transaction: Mutex<OwnTransaction>,
}

/// What an attempt holds, and releases when it is abandoned.
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

    /// Since when the attempt has everything that it waits for; `None` while it waits.
    pub(super) fn busy_since(&self) -> Option<Instant> {
        self.resources().busy_since
    }

    /// Ends the attempt; `false` if it was abandoned before, so that its result must be discarded.
    pub(super) fn end(&self) -> bool {
        self.change_phase(IN_FLIGHT, ENDED) || self.phase.load(Ordering::Acquire) == ENDED
    }

    /// Puts an ended attempt back in flight, so that it can be repeated.
    pub(super) fn resume(&self) {
        self.change_phase(ENDED, IN_FLIGHT);
    }

    /// Abandons the attempt: it releases what it holds, and its processor is wedged until it returns. `false` if it
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

    /// Removes the wedge of an abandoned attempt that has returned.
    pub(super) fn returns(&self) {
        let wedge = self.resources().wedge.take();
        drop(wedge);
    }

    /// Rolls the attempt's transaction back. If one of its statements is running, interrupts that statement.
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

    /// Holds the memory of the snapshot until the attempt ends or is abandoned.
    pub(super) fn holds(&self, memory: Held) {
        let mut resources = self.resources();
        resources.memory = Some(memory);
        resources.busy_since = Some(Instant::now());
    }

    /// Lets `enter` wait for a place on the lane. The wait does not count as time of the attempt.
    pub(super) fn enters(&self, enter: impl FnOnce() -> OnLane) {
        self.resources().busy_since = None;
        let lane = enter();
        let mut resources = self.resources();
        resources.lane = Some(lane);
        resources.busy_since = Some(Instant::now());
    }

    /// Releases the place on the lane.
    pub(super) fn leaves(&self) {
        self.resources().lane = None;
    }

    /// Stores the handle that interrupts the attempt's query.
    pub(super) fn queries_with(&self, query: Interrupt) {
        self.resources().query = Some(query);
    }

    /// The attempt's own transaction. The worker holds this lock while a statement runs.
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
