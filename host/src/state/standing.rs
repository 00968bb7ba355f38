//! Whether the state is open: DuckDB refuses every statement after a fault of its disk, until the file is opened anew.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{
    checkpoint::Checkpoints,
    engine::{Closing, Link},
    error::{Doing as _, Result, StateError},
    open::{Opened, State, link_to, refuse_gone, refuse_odd_files},
};

/// Whether the state is open.
pub(super) enum Standing {
    /// It is.
    Open(Arc<Opened>),
    /// It is not, and is to be opened anew.
    Closed(Closed),
}

/// A state that takes no more statements.
pub(super) struct Closed {
    why: String,
    since: Instant,
    closing: Closing,
    /// Its handle of the file stays open as long as DuckDB's.
    checkpoints: Option<Arc<Mutex<Checkpoints>>>,
}

impl Standing {
    /// A state that takes no more statements from now on.
    pub(super) fn closed(opened: &Opened, why: String) -> Self {
        Self::Closed(Closed {
            why,
            since: Instant::now(),
            closing: opened.engine.closing(),
            checkpoints: Some(Arc::clone(&opened.checkpoints)),
        })
    }
}

/// What keeps the state from being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ailment {
    /// What happened, and what to do.
    pub message: String,
    /// What it concerns.
    reach: Reach,
}

/// What an ailment concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// A write failed.
    Writes,
    /// A checkpoint failed; the log of changes grows until one succeeds.
    Checkpoints,
    /// The state is closed.
    All,
}

/// What came of opening a closed state anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mended {
    /// It was open.
    WasOpen,
    /// It is open again.
    Reopened,
    /// Something still holds a connection to the instance that failed, for so long since the failure; or another thread opens
    /// it just now.
    Waits(Duration),
    /// It cannot be opened.
    Failed,
}

impl State {
    /// What is open of the file.
    pub(super) fn opened(&self) -> Result<Arc<Opened>> {
        match &*self.standing.read().unwrap_or_else(PoisonError::into_inner) {
            Standing::Open(opened) => Ok(Arc::clone(opened)),
            Standing::Closed(closed) => Err(StateError::Closed {
                why: closed.why.clone(),
            }),
        }
    }

    /// Why the state is closed, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<StateError> {
        self.opened().err()
    }

    /// What keeps the state from being written, if something does. Waits for nothing but a moment's lock.
    #[must_use]
    pub fn ailment(&self) -> Option<Ailment> {
        self.lock_ailment().clone()
    }

    /// Notes what came of a write.
    pub(super) fn note_write<T>(&self, written: Result<T>) -> Result<T> {
        match &written {
            Ok(_) => self.is_well(Reach::Writes),
            Err(error) => self.note(error),
        }
        written
    }

    /// Notes what came of a checkpoint.
    pub(super) fn note_checkpoint(&self, made: Result<()>) -> Result<()> {
        match &made {
            Ok(()) => self.is_well(Reach::Checkpoints),
            Err(error) if error.is_fatal() => self.ail(error, Reach::Checkpoints),
            // An open transaction is no ailment.
            Err(_) => {}
        }
        made
    }

    /// Notes an error, where it tells that the state cannot be written.
    pub fn note(&self, error: &StateError) {
        if error.is_fatal() {
            self.ail(error, Reach::Writes);
        }
    }

    /// An ailment that reaches further stays: it is told until it is over.
    fn ail(&self, error: &StateError, reach: Reach) {
        let mut ailment = self.lock_ailment();
        if ailment.as_ref().is_none_or(|ailment| ailment.reach <= reach) {
            let message = error.to_string();
            *ailment = Some(Ailment { message, reach });
        }
    }

    fn is_well(&self, reach: Reach) {
        let mut ailment = self.lock_ailment();
        if ailment.as_ref().is_some_and(|ailment| ailment.reach <= reach) {
            *ailment = None;
        }
    }

    fn lock_ailment(&self) -> MutexGuard<'_, Option<Ailment>> {
        self.ailment.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the instance whether it takes statements, and closes the state where it does not.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn probe(&self, opened: &Arc<Opened>, link: &Link) -> Result<()> {
        let probed = link.execute_batch("SELECT 1").doing("ask the state for anything");
        if let Err(error @ StateError::Troubled { .. }) = &probed {
            self.close(opened, error);
        }
        probed
    }

    /// Closes the state as far as this thread can: no connection is given any more, and what runs is interrupted.
    pub(super) fn close(&self, opened: &Arc<Opened>, error: &StateError) {
        let mut standing = self.standing.write().unwrap_or_else(PoisonError::into_inner);
        let is_open = matches!(&*standing, Standing::Open(open) if Arc::ptr_eq(open, opened));
        if !is_open {
            return;
        }
        *standing = Standing::closed(opened, error.to_string());
        drop(standing);
        self.ail(error, Reach::All);
        tracing::error!("the state is closed until it can be opened anew: {error}");
        self.interrupts.interrupt();
    }

    /// Opens a closed state anew, and tries again what failed of one that is open.
    pub fn recover(&self) -> Mended {
        let mended = self.mend();
        if self.ailment().is_some_and(|ailment| ailment.reach < Reach::All)
            && let Err(error) = self.checkpoint()
        {
            tracing::warn!("the state still cannot be written: {error}");
        }
        mended
    }

    /// Opens a closed state anew, once nothing holds a connection to the instance that failed: one that was closed later
    /// would give up the lock on the file.
    pub fn mend(&self) -> Mended {
        let _one_at_a_time = match self.mending.try_lock() {
            Ok(locked) => locked,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Mended::Waits(Duration::ZERO),
        };
        let waits = match &*self.standing.read().unwrap_or_else(PoisonError::into_inner) {
            Standing::Open(_) => return Mended::WasOpen,
            Standing::Closed(closed) => (!closed.closing.is_done()).then(|| closed.since.elapsed()),
        };
        if let Some(since) = waits {
            self.interrupts.interrupt();
            return Mended::Waits(since);
        }
        self.let_go_of_the_file();
        match self.reopen() {
            Ok(()) => {
                tracing::info!("the state is open again: everything that was committed is there");
                Mended::Reopened
            }
            Err(error) => {
                tracing::error!("the state cannot be opened anew: {error}");
                Mended::Failed
            }
        }
    }

    /// Closes the last handle of a file that DuckDB has closed: closed later, it would give up the lock of the next instance.
    pub(super) fn let_go_of_the_file(&self) {
        if let Standing::Closed(closed) = &mut *self.standing.write().unwrap_or_else(PoisonError::into_inner) {
            closed.checkpoints = None;
        }
    }

    /// Opens the state file anew. Where that fails, the state stays closed, says why, and is tried again at the next tick.
    pub(super) fn reopen(&self) -> Result<()> {
        self.open_anew().inspect_err(|error| self.ail(error, Reach::All))
    }

    fn open_anew(&self) -> Result<()> {
        refuse_gone(&self.path)?;
        refuse_odd_files(&self.path)?;
        let (opened, has_changed) = Opened::open(&self.path)?;
        let link = link_to(&opened.engine)?;
        self.has_changed_schema.fetch_or(has_changed, Ordering::Relaxed);
        let opened = Arc::new(opened);
        *self.standing.write().unwrap_or_else(PoisonError::into_inner) = Standing::Open(Arc::clone(&opened));
        self.probe(&opened, &link)?;
        // It is told until a checkpoint shows that the disk takes what it is given.
        if let Some(ailment) = &mut *self.lock_ailment() {
            ailment.reach = Reach::Checkpoints;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::PurgeWish;

    fn broken() -> StateError {
        StateError::Lost {
            doing: "test",
            missing: 1,
        }
    }

    #[test]
    fn a_closed_state_is_opened_anew_when_the_last_connection_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.duckdb")).unwrap();
        assert_eq!(state.mend(), Mended::WasOpen);
        let reader = state.reader().unwrap();
        let opened = state.opened().unwrap();
        state.close(&opened, &broken());
        drop(opened);
        assert!(matches!(state.reader(), Err(StateError::Closed { .. })));
        assert!(matches!(state.mend(), Mended::Waits(_)));
        assert!(state.ailment().is_some());
        drop(reader);
        assert_eq!(state.mend(), Mended::Reopened);
        assert!(state.reader().unwrap().status().unwrap().is_empty());
        assert_eq!((state.recover(), state.ailment()), (Mended::WasOpen, None));
    }

    #[test]
    fn a_purge_closes_no_state_whose_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.duckdb");
        let state = State::open(&path).unwrap();
        super::super::purge::mark(&path).unwrap();
        std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        let refused = state.purge(PurgeWish::Now);
        assert!(matches!(refused, Err(StateError::Gone { .. })), "{refused:?}");
        assert!(state.closed().is_none());
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_file_is_not_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.duckdb");
        let state = State::open(&path).unwrap();
        let opened = state.opened().unwrap();
        state.close(&opened, &broken());
        drop(opened);
        std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(state.mend(), Mended::Failed);
        assert!(state.ailment().unwrap().message.contains("is no regular file"));
    }

    #[test]
    fn a_state_that_cannot_be_opened_anew_stays_closed_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.duckdb");
        let state = State::open(&path).unwrap();
        let opened = state.opened().unwrap();
        state.close(&opened, &broken());
        drop(opened);
        std::fs::write(&path, "no database").unwrap();
        assert_eq!(state.mend(), Mended::Failed);
        assert!(state.ailment().unwrap().message.contains("is no DuckDB database"));
        assert!(state.closed().is_some());
    }
}
