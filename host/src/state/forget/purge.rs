//! Purges the state file, so that no block of it holds forgotten data.
//!
//! DuckDB leaves the text of deleted rows in blocks that it may reuse. So a purge replaces the file by a copy, for
//! which it closes the state. It may have to wait for a run or for the next start. A mark beside the file keeps the
//! purge due even if the process is killed.
//!
//! # Threads
//! One thread at a time purges a state or reopens a closed one: see [`replace`].

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::state::{
    duckdb_file::file::{
        paths::{beside, sync_folder},
        place::refuse_gone,
    },
    duckdb_file::open::open_state::OpenState,
    duckdb_file::rewrite::replace::{Replaced, replace},
    error::{Result, StateError},
};

/// When the state is purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeWish {
    /// At once if the state is small, else at the next start.
    WhereSmall,
    /// At once.
    Now,
}

/// The result of a purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purged {
    /// Nothing was due.
    NotDue,
    /// The file no longer holds forgotten data.
    Done,
    /// It is due, and waits for another time.
    Waits {
        /// Why.
        why: String,
    },
}

/// The maximum size of a state that is purged at once. The state is closed meanwhile.
const SMALL: u64 = 256 << 20;

/// The mark that a purge is due. It survives the process and a power failure.
fn mark_of(state: &Path) -> PathBuf {
    beside(state, ".purge-due")
}

/// Marks a state for a purge; returns whether it was not marked before.
///
/// # Errors
/// When the state file is gone, so that the mark would lie below the mount point, or when the mark cannot be written.
pub(crate) fn mark(state: &Path) -> Result<bool> {
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

/// Removes the mark.
///
/// # Errors
/// When the system refuses.
pub(crate) fn unmark(state: &Path) -> Result<()> {
    fs::remove_file(mark_of(state))
        .and_then(|()| sync_folder(state))
        .map_err(|source| failed(state, source))
}

/// Whether a purge waits, and why.
#[derive(Default)]
pub(crate) struct Purging {
    waits: Mutex<Option<String>>,
}

impl Purging {
    /// Rewrites the state file without the forgotten data, if that is due.
    ///
    /// # Errors
    /// When its file is gone, or the state cannot be written or copied. The state is unchanged then, and the purge
    /// stays due.
    pub(crate) fn purge(&self, state: &OpenState, wish: PurgeWish) -> Result<Purged> {
        let purged = purge_if_due(state, wish);
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = match &purged {
            Ok(Purged::NotDue | Purged::Done) => None,
            Ok(Purged::Waits { why }) => Some(why.clone()),
            Err(error) => Some(error.to_string()),
        };
        purged
    }

    /// Why the state file still holds forgotten data, if it does.
    pub(crate) fn waits(&self) -> Option<String> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Purges at a start, when nothing uses the state yet.
    pub(crate) fn at_start(state: &OpenState) -> Self {
        let purging = Self::default();
        match purging.purge(state, PurgeWish::Now) {
            Ok(Purged::NotDue) => {}
            Ok(Purged::Done) => tracing::info!("removed the forgotten data from the state file"),
            Ok(Purged::Waits { why }) => tracing::warn!("forgotten data is still in the state file: {why}"),
            Err(error) => tracing::warn!("forgotten data is still in the state file: {error}"),
        }
        purging
    }
}

fn purge_if_due(state: &OpenState, wish: PurgeWish) -> Result<Purged> {
    let path = state.path();
    refuse_gone(path)?;
    if !mark_of(path).exists() {
        return Ok(Purged::NotDue);
    }
    let size = fs::metadata(path).map_or(0, |file| file.len());
    if wish == PurgeWish::WhereSmall && size > SMALL {
        return Ok(Purged::Waits {
            why: format!("the state has more than {} MiB", SMALL >> 20),
        });
    }
    let meanwhile = "it is being rewritten without the forgotten data";
    Ok(match replace(state, meanwhile, unmark)? {
        Replaced::Done => Purged::Done,
        Replaced::Waits { why } => Purged::Waits { why },
    })
}

fn failed(state: &Path, source: io::Error) -> StateError {
    StateError::Copy {
        copy: mark_of(state),
        source,
    }
}
