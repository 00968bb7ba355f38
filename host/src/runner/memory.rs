//! Bounds the bytes that are held at once: of snapshots over all runs, of rows over one.
//!
//! # Threads
//! Whoever wants bytes waits until they are free. A worker holds those of its snapshot while it waits for those of its rows;
//! the conductor gives rows back by committing them and never waits here, so both come free.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// How many bytes may be held at once. Clones share the budget.
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

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    shared: Arc<Shared>,
    bytes: u64,
}

impl MemoryBudget {
    /// A budget of this many bytes.
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

    /// Waits until so many bytes are free. More than the whole budget waits until nothing else is held.
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
