//! Interrupts the statement that a connection is running.
//!
//! # Threads
//! A statement occupies its thread until it ends, so only another thread can interrupt it. DuckDB notices an interrupt
//! between two steps of a statement, and not at all between two statements. So whoever wants a statement to end must
//! interrupt it repeatedly until it has. The server of an attached database is asked to cancel what it does for the statement.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use duckdb::InterruptHandle;

use crate::state::engine::{instance::Link, server_work::ServerWork};

/// Interrupts the statement of one connection. Clones interrupt the same connection. It keeps no connection open.
#[derive(Clone)]
pub struct Interrupt {
    duckdb: Arc<InterruptHandle>,
    server: Option<Arc<ServerWork>>,
}

impl Interrupt {
    /// The interrupt of a connection.
    pub(crate) fn of(link: &Link) -> Self {
        Self {
            duckdb: link.interrupt_handle(),
            server: link.server().cloned(),
        }
    }

    /// Interrupts the running statement, if there is one.
    pub fn interrupt(&self) {
        self.duckdb.interrupt();
        if let Some(server) = &self.server {
            server.cancel();
        }
    }
}

/// Interrupts the statements of all connections that are still open.
#[derive(Default)]
pub(crate) struct Interrupts {
    handles: Mutex<Vec<Weak<InterruptHandle>>>,
}

impl Interrupts {
    /// Adds a connection.
    pub(crate) fn keep(&self, link: &Link) {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.retain(|handle| handle.strong_count() > 0);
        handles.push(Arc::downgrade(&link.interrupt_handle()));
    }

    /// Interrupts the running statements of all of them.
    pub(crate) fn interrupt(&self) {
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        for handle in handles.iter().filter_map(Weak::upgrade) {
            handle.interrupt();
        }
    }
}
