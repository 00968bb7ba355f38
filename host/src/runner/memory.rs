//! Limits the bytes held at once: those of snapshots over all runs, and those of rows within one run.
//!
//! # Threads
//! A thread that asks for bytes waits until they are free. A worker holds the bytes of its snapshot while it waits for
//! those of its rows. The conductor frees the bytes of rows by committing them, and never waits here. So both become
//! free.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A limit on the bytes held at once. Clones share the budget.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: u64,
    held: Mutex<u64>,
    released: Condvar,
}

/// A part of the budget, released when it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    shared: Arc<Shared>,
    bytes: u64,
}

impl MemoryBudget {
    /// Creates a budget of this many bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                limit,
                held: Mutex::new(0),
                released: Condvar::new(),
            }),
        }
    }

    /// Waits until this many bytes are free. A request larger than the whole budget waits until nothing else is held.
    pub(super) fn hold(&self, bytes: u64) -> Held {
        let held = self.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |held: &mut u64| *held == 0 || held.saturating_add(bytes) <= self.shared.limit;
        let mut held = self
            .shared
            .released
            .wait_while(held, |held| !fits(held))
            .unwrap_or_else(PoisonError::into_inner);
        *held += bytes;
        Held {
            shared: Arc::clone(&self.shared),
            bytes,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        *self.shared.held.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.shared.released.notify_all();
    }
}
