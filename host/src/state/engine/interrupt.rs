//! Interrupting the statement that a connection runs.
//!
//! # Threads
//! A statement holds the thread that runs it until it ends, so that only another thread can interrupt it. DuckDB hears an
//! interrupt between two steps of a statement, and not at all between two statements: who wants one to end interrupts
//! again until it has.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use duckdb::InterruptHandle;

use crate::state::engine::instance::Link;

/// What interrupts the statement of one connection. Clones interrupt the same one; it keeps no connection open.
#[derive(Clone)]
pub struct Interrupt(Arc<InterruptHandle>);

impl Interrupt {
    /// What interrupts the statements of a connection.
    pub(crate) fn of(link: &Link) -> Self {
        Self(link.interrupt_handle())
    }

    /// Interrupts the statement that runs, if one does.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

/// What interrupts the statements of all connections that are still there.
#[derive(Default)]
pub(crate) struct Interrupts {
    handles: Mutex<Vec<Weak<InterruptHandle>>>,
}

impl Interrupts {
    /// Counts a connection among them.
    pub(crate) fn keep(&self, link: &Link) {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.retain(|handle| handle.strong_count() > 0);
        handles.push(Arc::downgrade(&link.interrupt_handle()));
    }

    /// Interrupts what runs on any of them.
    pub(crate) fn interrupt(&self) {
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        for handle in handles.iter().filter_map(Weak::upgrade) {
            handle.interrupt();
        }
    }
}
