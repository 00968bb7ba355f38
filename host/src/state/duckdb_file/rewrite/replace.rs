//! Replaces the file of an open state by its copy. The state is closed meanwhile.
//!
//! # Threads
//! One thread at a time replaces a state or reopens a closed one; [`OpenState::alone`] makes sure of that.

use std::path::Path;

use super::copy;
use crate::state::{
    duckdb_file::file::paths::wal_bytes,
    duckdb_file::open::{open_state::OpenState, recovery::WhileClosed},
    error::Result,
};

/// What became of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// A copy is in its place.
    Done,
    /// Nothing has changed.
    Waits {
        /// What is in the way.
        why: String,
    },
}

/// Replaces the file by its copy, and does `then` before the state is open again. `meanwhile` tells others why the state is
/// closed.
///
/// # Errors
/// When the state cannot be written, copied or reopened. Unless a copy was put into its place, the file is unchanged.
pub(crate) fn replace(state: &OpenState, meanwhile: &str, then: impl Fn(&Path) -> Result<()>) -> Result<Replaced> {
    /// How often that is repeated if the state was written between the checkpoint and the closing.
    const ATTEMPTS: u32 = 3;
    let replaced = state.alone(ATTEMPTS, || replace_once(state, meanwhile, &then))?;
    Ok(replaced.unwrap_or_else(|| waits("the state was written meanwhile")))
}

/// `None` if the state was written between the checkpoint and the closing.
fn replace_once(state: &OpenState, meanwhile: &str, then: &impl Fn(&Path) -> Result<()>) -> Result<Option<Replaced>> {
    state.checkpoint()?;
    let replaced = state.while_closed(meanwhile, |path| {
        // Anything written since the checkpoint is in the WAL, which belongs to the old file.
        if wal_bytes(path) > 0 {
            return Ok(None);
        }
        copy::replace(path)?;
        then(path)?;
        Ok(Some(Replaced::Done))
    });
    match replaced? {
        WhileClosed::Done(replaced) => Ok(replaced),
        WhileClosed::InUse => Ok(Some(waits("a run or a query is using the state"))),
        WhileClosed::StaysClosed => Ok(Some(waits("a connection to the state does not end"))),
    }
}

fn waits(why: &str) -> Replaced {
    Replaced::Waits { why: why.to_owned() }
}
