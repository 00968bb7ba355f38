//! Limits the bytes held at once: those of snapshots over all runs, and those of rows within one run.
//!
//! # Threads
//! A thread that asks for bytes waits until they are free. A worker holds the bytes of its snapshot while it waits for
//! those of its rows. The conductor frees the bytes of rows by committing them, and never waits here. So both become
//! free. A worker that reads ahead does not wait for bytes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A limit on the bytes held at once. Clones share the budget.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: u64,
    used: Mutex<Use>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct Use {
    held: u64,
    /// How many threads wait for bytes.
    waiting: u32,
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
                used: Mutex::default(),
                released: Condvar::new(),
            }),
        }
    }

    /// Waits until this many bytes are free. A request larger than the whole budget waits until nothing else is held.
    pub(super) fn hold(&self, bytes: u64) -> Held {
        let mut used = self.shared.lock();
        used.waiting += 1;
        let fits = |used: &mut Use| used.held == 0 || used.held.saturating_add(bytes) <= self.shared.limit;
        let mut used = self
            .shared
            .released
            .wait_while(used, |used| !fits(used))
            .unwrap_or_else(PoisonError::into_inner);
        used.waiting -= 1;
        self.take(&mut used, bytes)
    }

    /// Holds this many bytes if nobody waits for bytes, and if half of the budget stays free for those who cannot do
    /// without.
    pub(super) fn try_hold(&self, bytes: u64) -> Option<Held> {
        let mut used = self.shared.lock();
        let is_spare = used.waiting == 0 && used.held.saturating_add(bytes) <= self.shared.limit / 2;
        is_spare.then(|| self.take(&mut used, bytes))
    }

    fn take(&self, used: &mut Use, bytes: u64) -> Held {
        used.held += bytes;
        Held {
            shared: Arc::clone(&self.shared),
            bytes,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Use> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.lock().held -= self.bytes;
        self.shared.released.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_is_spare_leaves_half_of_the_budget() {
        let budget = MemoryBudget::new(100);
        let spare = budget.try_hold(40);
        assert!(spare.is_some());
        assert!(budget.try_hold(11).is_none());
        let rest = budget.hold(60);
        drop(spare);
        assert!(budget.try_hold(0).is_none(), "more than half is held");
        drop(rest);
        assert!(budget.try_hold(50).is_some());
    }

    #[test]
    fn nothing_is_spare_while_somebody_waits() {
        let budget = MemoryBudget::new(100);
        let held = budget.hold(10);
        let waits = thread::spawn({
            let budget = budget.clone();
            move || drop(budget.hold(1000))
        });
        while budget.shared.lock().waiting == 0 {
            thread::yield_now();
        }
        assert!(budget.try_hold(1).is_none());
        drop(held);
        waits.join().unwrap();
        assert!(budget.try_hold(1).is_some());
    }
}
