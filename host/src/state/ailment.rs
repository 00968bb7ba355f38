//! Remembers why the state cannot be written, for health.
//!
//! Health must not wait for a write that hangs on a broken disk. So each write and each checkpoint notes here how it
//! ended, and health reads the note.
//!
//! # Threads
//! The note has a lock of its own, which is held only to read or change the note, and never while DuckDB is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::state::{
    error::{Result, StateError},
    trouble::Trouble,
};

/// Why the state cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ailment {
    /// What happened, and what to do.
    pub message: String,
    /// What it affects.
    reach: Reach,
}

/// What an ailment affects. One that reaches further hides the others until it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// A write failed.
    Writes,
    /// A checkpoint failed; the WAL grows until one succeeds.
    Checkpoints,
    /// The state is closed.
    All,
}

/// The current ailment of a state, if it has one.
#[derive(Default)]
pub(crate) struct Ailing(Mutex<Option<Ailment>>);

impl Ailing {
    /// The current ailment.
    pub(crate) fn told(&self) -> Option<Ailment> {
        self.lock().clone()
    }

    /// Whether the state is open, but cannot be written.
    pub(crate) fn is_of_an_open_state(&self) -> bool {
        self.lock().as_ref().is_some_and(|ailment| ailment.reach < Reach::All)
    }

    /// Notes how a write ended.
    pub(crate) fn note_write<T>(&self, written: Result<T>) -> Result<T> {
        match &written {
            Ok(_) => self.ends(Reach::Writes),
            Err(error) => self.note(error),
        }
        written
    }

    /// Notes how reaching a database ended.
    pub(crate) fn note_connection<T>(&self, reached: Result<T>) -> Result<T> {
        match &reached {
            Ok(_) if self.is_of_an_open_state() => {}
            Ok(_) => self.ends(Reach::All),
            Err(error) if error.is_fatal() => self.begins(error, Reach::All),
            Err(_) => {}
        }
        reached
    }

    /// Notes how a checkpoint ended.
    pub(crate) fn note_checkpoint(&self, made: Result<()>) -> Result<()> {
        match &made {
            Ok(()) => self.ends(Reach::Checkpoints),
            Err(error) if error.is_fatal() => self.begins(error, Reach::Checkpoints),
            // An open transaction is not an ailment.
            Err(_) => {}
        }
        made
    }

    /// Notes an error if it shows that the state cannot be written. If that is an outage, it ends with the next connection.
    pub(crate) fn note(&self, error: &StateError) {
        let is_away = matches!(
            error,
            StateError::Troubled {
                trouble: Trouble::Server,
                ..
            }
        );
        if error.is_fatal() {
            self.begins(error, if is_away { Reach::All } else { Reach::Writes });
        }
    }

    /// Notes an ailment, unless a current one reaches further.
    pub(crate) fn begins(&self, error: &StateError, reach: Reach) {
        let mut ailment = self.lock();
        if ailment.as_ref().is_none_or(|ailment| ailment.reach <= reach) {
            let message = error.to_string();
            *ailment = Some(Ailment { message, reach });
        }
    }

    /// Ends the ailment as soon as a checkpoint shows that the disk accepts writes.
    pub(crate) fn ends_with_a_checkpoint(&self) {
        if let Some(ailment) = &mut *self.lock() {
            ailment.reach = Reach::Checkpoints;
        }
    }

    fn ends(&self, reach: Reach) {
        let mut ailment = self.lock();
        if ailment.as_ref().is_some_and(|ailment| ailment.reach <= reach) {
            *ailment = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Ailment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
