//! Keeps the transactions of one processor out of each other's way after a conflict.
//!
//! If two transactions write the same row, DuckDB fails the second. If its attempt is repeated beside others, it may
//! fail again and again. If it is repeated alone, it meets no other attempt of its processor.
//!
//! # Threads
//! Workers wait for their passage. A worker that waits to pass alone blocks later ones, so it waits only for attempts
//! that are already on the lane. An abandoned attempt releases its place.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Attempts pass side by side; one that is repeated after a write conflict passes alone. Clones share the lane.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    traffic: Mutex<Traffic>,
    left: Condvar,
}

impl Shared {
    /// Waits until a passage is blocked no more.
    fn wait_while<'a>(
        &self,
        traffic: MutexGuard<'a, Traffic>,
        is_blocked: impl FnMut(&mut Traffic) -> bool,
    ) -> MutexGuard<'a, Traffic> {
        let left = self.left.wait_while(traffic, is_blocked);
        left.unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Traffic {
    together: u32,
    alone: bool,
    waiting_to_be_alone: u32,
}

/// How an attempt passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// Beside others.
    Together,
    /// By itself.
    Alone,
}

/// A place on the lane, released when it is dropped.
#[derive(Debug)]
pub(super) struct OnLane {
    shared: Arc<Shared>,
    passage: Passage,
}

impl Lane {
    /// Waits until the lane is free for this passage. An attempt that passes alone goes before those that arrive later.
    pub(super) fn enter(&self, passage: Passage) -> OnLane {
        let mut traffic = self.shared.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        match passage {
            Passage::Together => {
                let is_blocked = |traffic: &mut Traffic| traffic.alone || traffic.waiting_to_be_alone > 0;
                traffic = self.shared.wait_while(traffic, is_blocked);
                traffic.together += 1;
            }
            Passage::Alone => {
                traffic.waiting_to_be_alone += 1;
                let is_blocked = |traffic: &mut Traffic| traffic.alone || traffic.together > 0;
                traffic = self.shared.wait_while(traffic, is_blocked);
                traffic.waiting_to_be_alone -= 1;
                traffic.alone = true;
            }
        }
        OnLane {
            shared: Arc::clone(&self.shared),
            passage,
        }
    }
}

impl Drop for OnLane {
    fn drop(&mut self) {
        let mut traffic = self.shared.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        match self.passage {
            Passage::Together => traffic.together -= 1,
            Passage::Alone => traffic.alone = false,
        }
        self.shared.left.notify_all();
    }
}
