//! Reopens a closed state.
//!
//! # Threads
//! One thread at a time closes and opens the state. It waits until DuckDB has closed the instance, which happens when
//! the last connection to it is dropped. If the old instance were closed after the next one was opened, it would give
//! up the next one's lock on the file, because the system keeps such locks by process and file and not by handle.

use std::{
    path::Path,
    sync::{Arc, PoisonError, TryLockError, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    open_state::{OpenState, Standing},
    opened::Opened,
};
use crate::state::{
    ailment::Reach,
    duckdb_file::file::place::{refuse_gone, refuse_odd_files},
    engine::open::link_to,
    error::Result,
};

/// The result of reopening a closed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mended {
    /// It was not closed.
    WasOpen,
    /// It is open again.
    Reopened,
    /// Something has held a connection to the failed instance for this long; or another thread is reopening the state.
    Waits(Duration),
    /// It cannot be reopened.
    Failed,
}

/// The result of work on the file of a state that was closed for it.
#[derive(Debug)]
pub(crate) enum WhileClosed<T> {
    /// It was done, with this result.
    Done(T),
    /// A run or a query had a connection: the state was not closed.
    InUse,
    /// A connection did not end in time. The state is reopened as soon as possible.
    StaysClosed,
}

/// How long others may take to drop their connections.
const PATIENCE: Duration = Duration::from_secs(5);

impl OpenState {
    /// Reopens a closed state. If the state is open, tries again what failed.
    pub(crate) fn recover(&self) -> Mended {
        let mended = self.mend();
        if self.ailing.is_of_an_open_state()
            && let Err(error) = self.checkpoint()
        {
            tracing::warn!("the state still cannot be written: {error}");
        }
        mended
    }

    /// Reopens a closed state, once nothing holds a connection to the failed instance.
    pub(crate) fn mend(&self) -> Mended {
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
                tracing::info!("reopened the state: all committed data is there");
                Mended::Reopened
            }
            Err(error) => {
                tracing::error!("cannot reopen the state: {error}");
                Mended::Failed
            }
        }
    }

    /// Repeats `attempt` until it returns something, at most `attempts` times. No other thread closes or opens the
    /// state meanwhile.
    ///
    /// # Errors
    /// When an attempt fails.
    pub(crate) fn alone<T>(&self, attempts: u32, attempt: impl Fn() -> Result<Option<T>>) -> Result<Option<T>> {
        let _one_at_a_time = self.mending.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..attempts {
            if let Some(done) = attempt()? {
                return Ok(Some(done));
            }
        }
        Ok(None)
    }

    /// Closes the state, lets `work` use its file, and reopens it.
    ///
    /// # Errors
    /// When the state is already closed, the work fails, or the state cannot be reopened.
    pub(crate) fn while_closed<T>(&self, why: &str, work: impl FnOnce(&Path) -> Result<T>) -> Result<WhileClosed<T>> {
        if !self.is_ours_alone()? {
            return Ok(WhileClosed::InUse);
        }
        let opened = self.opened()?;
        let closing = opened.engine.closing();
        self.set_standing(Standing::closed(&opened, why.to_owned()));
        drop(opened);
        if !soon(|| closing.is_done()) {
            return Ok(WhileClosed::StaysClosed);
        }
        self.let_go_of_the_file();
        let done = work(&self.path);
        self.reopen()?;
        done.map(WhileClosed::Done)
    }

    /// Whether nobody but this thread has a connection, now or soon.
    fn is_ours_alone(&self) -> Result<bool> {
        /// The connections of the state: its own and its writer's.
        const OURS: usize = 2;
        let opened = self.opened()?;
        Ok(soon(|| opened.engine.holders() <= OURS))
    }

    /// Closes the last handle of a file that DuckDB has closed. Closed later, it would give up the lock of the next
    /// instance.
    fn let_go_of_the_file(&self) {
        if let Standing::Closed(closed) = &mut *self.standing.write().unwrap_or_else(PoisonError::into_inner) {
            closed.checkpoints = None;
        }
    }

    /// Reopens the state file. If that fails, the state stays closed, says why, and the next tick tries again.
    fn reopen(&self) -> Result<()> {
        self.try_to_reopen()
            .inspect_err(|error| self.ailing.begins(error, Reach::All))
    }

    fn try_to_reopen(&self) -> Result<()> {
        refuse_gone(&self.path)?;
        refuse_odd_files(&self.path)?;
        let (opened, schema) = Opened::open(&self.path)?;
        let link = link_to(&opened.engine)?;
        self.has_changed_schema.fetch_or(schema.is_changed(), Ordering::Relaxed);
        let opened = Arc::new(opened);
        self.set_standing(Standing::Open(Arc::clone(&opened)));
        self.probe(&opened, &link)?;
        self.ailing.ends_with_a_checkpoint();
        Ok(())
    }
}

fn soon(is_so: impl Fn() -> bool) -> bool {
    const AGAIN: Duration = Duration::from_millis(5);
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() >= PATIENCE {
            return false;
        }
        thread::sleep(AGAIN);
    }
    true
}
