//! Keeps the transactions of one processor out of each other's way after a conflict.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Attempts pass side by side; one that is made again after a write conflict passes alone.
#[derive(Debug, Default)]
pub(super) struct Lane {
    lock: RwLock<()>,
}

/// The right to be on the lane, given back when it is dropped.
pub(super) enum OnLane<'a> {
    /// With others.
    Shared { _guard: RwLockReadGuard<'a, ()> },
    /// Alone.
    Alone { _guard: RwLockWriteGuard<'a, ()> },
}

impl Lane {
    /// Enters the lane for an attempt that met so many conflicts before.
    pub(super) fn enter(&self, conflicts: u32) -> OnLane<'_> {
        match conflicts {
            0 => OnLane::Shared {
                _guard: self.lock.read().unwrap_or_else(PoisonError::into_inner),
            },
            _ => OnLane::Alone {
                _guard: self.lock.write().unwrap_or_else(PoisonError::into_inner),
            },
        }
    }
}
