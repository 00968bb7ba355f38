//! Purging: what was forgotten is in no block of the state file any more.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{
    checkpoint::{beside, log_bytes, sync_folder},
    copy,
    engine::Closing,
    error::{Result, StateError},
    open::{Opened, State, refuse_gone},
    standing::Standing,
};

/// When the state is purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeWish {
    /// At once where the state is small, else at the next start.
    WhereSmall,
    /// At once.
    Now,
}

/// What came of a purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purged {
    /// Nothing was due.
    NotDue,
    /// What was forgotten is gone from the file.
    Done,
    /// It is due, and waits for another time.
    Waits {
        /// Why.
        why: String,
    },
}

/// How large a state may be to be purged at once: it is closed meanwhile.
const SMALL: u64 = 256 << 20;

/// How long others may take to let go of the state.
const PATIENCE: Duration = Duration::from_secs(5);

/// The mark that a state is to be purged; outlives the process and the power.
fn mark_of(state: &Path) -> PathBuf {
    beside(state, ".purge-due")
}

/// Marks a state to be purged; whether it was not marked before.
///
/// # Errors
/// When the state file is gone (the mark would lie below the mount), or the mark cannot be written.
pub(super) fn mark(state: &Path) -> Result<bool> {
    refuse_gone(state)?;
    match OpenOptions::new().write(true).create_new(true).open(mark_of(state)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        marked => marked
            .and_then(|file| file.sync_all())
            .and_then(|()| sync_folder(state))
            .map(|()| true)
            .map_err(|source| failed(state, source)),
    }
}

/// Takes the mark away.
///
/// # Errors
/// When the system refuses.
pub(super) fn unmark(state: &Path) -> Result<()> {
    fs::remove_file(mark_of(state))
        .and_then(|()| sync_folder(state))
        .map_err(|source| failed(state, source))
}

impl State {
    /// Rewrites the state file without what was forgotten, if that is due.
    ///
    /// # Errors
    /// When its file is gone, or the state cannot be written or copied. It is as it was then, and the purge stays due.
    pub fn purge(&self, wish: PurgeWish) -> Result<Purged> {
        let purged = self.purge_if_due(wish);
        *self.purge_waits.lock().unwrap_or_else(PoisonError::into_inner) = match &purged {
            Ok(Purged::NotDue | Purged::Done) => None,
            Ok(Purged::Waits { why }) => Some(why.clone()),
            Err(error) => Some(error.to_string()),
        };
        purged
    }

    /// Why what was forgotten is still in the state file, where it is.
    #[must_use]
    pub fn purge_waits(&self) -> Option<String> {
        self.purge_waits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn purge_if_due(&self, wish: PurgeWish) -> Result<Purged> {
        refuse_gone(&self.path)?;
        if !mark_of(&self.path).exists() {
            return Ok(Purged::NotDue);
        }
        let size = fs::metadata(&self.path).map_or(0, |file| file.len());
        if wish == PurgeWish::WhereSmall && size > SMALL {
            let why = format!("the state has more than {} MiB", SMALL >> 20);
            return Ok(Purged::Waits { why });
        }
        /// How often it is begun again where the state was written between the checkpoint and the closing.
        const ATTEMPTS: u32 = 3;
        let _one_at_a_time = self.mending.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ATTEMPTS {
            if let Some(purged) = self.purge_once()? {
                return Ok(purged);
            }
        }
        let why = "the state was written meanwhile".to_owned();
        Ok(Purged::Waits { why })
    }

    /// `None` where the state was written between the checkpoint and the closing.
    fn purge_once(&self) -> Result<Option<Purged>> {
        self.checkpoint()?;
        if !self.is_ours_alone()? {
            let why = "a run or a query is using the state".to_owned();
            return Ok(Some(Purged::Waits { why }));
        }
        let closing = self.close_to_purge()?;
        if !is_done_soon(&closing) {
            // It is opened anew as soon as that is possible.
            let why = "a connection to the state does not end".to_owned();
            return Ok(Some(Purged::Waits { why }));
        }
        self.let_go_of_the_file();
        let replaced = self.replace();
        self.reopen()?;
        replaced
    }

    /// Whether nobody but this thread has a connection, now or soon.
    fn is_ours_alone(&self) -> Result<bool> {
        /// That of the state itself, and its writer's.
        const OURS: usize = 2;
        let opened = self.opened()?;
        Ok(soon(|| opened.engine.holders() <= OURS))
    }

    fn close_to_purge(&self) -> Result<Closing> {
        let opened: Arc<Opened> = self.opened()?;
        let closing = opened.engine.closing();
        let why = "it is written anew without what was forgotten";
        *self.standing.write().unwrap_or_else(PoisonError::into_inner) = Standing::closed(&opened, why.to_owned());
        Ok(closing)
    }

    fn replace(&self) -> Result<Option<Purged>> {
        // What was written since the checkpoint is in the log of changes, which belongs to the old file.
        if log_bytes(&self.path) > 0 {
            return Ok(None);
        }
        copy::replace(&self.path)?;
        unmark(&self.path)?;
        Ok(Some(Purged::Done))
    }

    /// What a start does: nothing serves yet.
    pub(super) fn purge_at_start(&self) {
        match self.purge(PurgeWish::Now) {
            Ok(Purged::NotDue) => {}
            Ok(Purged::Done) => tracing::info!("what was forgotten is gone from the state file"),
            Ok(Purged::Waits { why }) => tracing::warn!("what was forgotten is still in the state file: {why}"),
            Err(error) => tracing::warn!("what was forgotten is still in the state file: {error}"),
        }
    }
}

fn is_done_soon(closing: &Closing) -> bool {
    soon(|| closing.is_done())
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

fn failed(state: &Path, source: io::Error) -> StateError {
    StateError::Purge {
        copy: mark_of(state),
        source,
    }
}
