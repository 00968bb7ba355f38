//! Pauses: a paused processor starts no runs until someone resumes it.
//!
//! # Threads
//! The state holds the pauses, and memory a copy, because health and the schedule wait for no writer. One thread at a time
//! changes both.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Host;
use crate::{
    names::ProcessorName,
    state::{Actor, Pause, Pauses, State, StateError},
};

/// Why a processor was not paused or resumed.
#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    /// Nothing is known of it.
    #[error("no processor {0} is loaded, and the state knows none: `session-host processors` lists the names")]
    Unknown(ProcessorName),
    /// It is not paused.
    #[error("processor {0} is not paused: `session-host status` shows the paused ones")]
    NotPaused(ProcessorName),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The pauses in force, for code that does not wait.
pub(super) struct PauseBoard {
    changing: Mutex<()>,
    latest: RwLock<Arc<Pauses>>,
}

impl PauseBoard {
    pub(super) fn new(pauses: Pauses) -> Self {
        Self {
            changing: Mutex::default(),
            latest: RwLock::new(Arc::new(pauses)),
        }
    }

    fn latest(&self) -> Arc<Pauses> {
        Arc::clone(&self.latest.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T, E: From<StateError>>(&self, state: &State, change: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change()?;
        let pauses = Arc::new(state.reader()?.pauses()?);
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = pauses;
        Ok(changed)
    }
}

/// Pauses a processor that the state knows.
///
/// # Errors
/// When the state knows no such processor, or cannot be written.
pub fn pause_in(
    state: &State,
    processor: &ProcessorName,
    reason: Option<&str>,
    actor: &Actor,
) -> Result<Pause, PauseError> {
    match state.reader()?.knows(processor)? {
        true => Ok(state.pause(processor, reason, actor)?),
        false => Err(PauseError::Unknown(processor.clone())),
    }
}

/// Ends the pause of a processor.
///
/// # Errors
/// When it is not paused, or the state cannot be written.
pub fn resume_in(state: &State, processor: &ProcessorName) -> Result<(), PauseError> {
    match state.resume(processor)? {
        true => Ok(()),
        false => Err(PauseError::NotPaused(processor.clone())),
    }
}

impl Host {
    /// Pauses a processor: no run of it begins until someone resumes it. A run under way ends.
    ///
    /// # Errors
    /// When neither the plugins nor the state know such a processor, or the state cannot be written.
    pub fn pause(&self, processor: &ProcessorName, reason: Option<&str>, actor: &Actor) -> Result<Pause, PauseError> {
        let catalogue = self.catalogue();
        let is_loaded = catalogue
            .files()
            .iter()
            .any(|file| file.status.name() == Some(processor));
        self.paused.change(&self.state, || match is_loaded {
            true => Ok(self.state.pause(processor, reason, actor)?),
            false => pause_in(&self.state, processor, reason, actor),
        })
    }

    /// Ends the pause of a processor.
    ///
    /// # Errors
    /// When it is not paused, or the state cannot be written.
    pub fn resume(&self, processor: &ProcessorName) -> Result<(), PauseError> {
        self.paused.change(&self.state, || resume_in(&self.state, processor))
    }

    /// The paused processors. Waits for no writer.
    #[must_use]
    pub fn pauses(&self) -> Arc<Pauses> {
        self.paused.latest()
    }

    /// Reads the pauses again, after a correction that may have changed their reasons.
    /// Reads the pauses again, which another host may have changed.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn read_pauses(&self) -> Result<(), StateError> {
        self.paused.change(&self.state, || Ok(()))
    }
}
