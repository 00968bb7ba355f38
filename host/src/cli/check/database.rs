//! The database of a check against PostgreSQL, which is gone afterwards.
//!
//! # Threads
//! The thread of the signals removes the database, too, before it ends the process. Whoever removes it holds a lock, and the
//! other one waits. The check holds the lock while it makes the database, so that none is left that a signal came too early
//! for.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    cli::signals,
    postgres::{PostgresAddress, ScratchDatabase},
    state_place::{SharedFolders, StatePlace},
};

/// How its name begins.
const PREFIX: &str = "session_host_check_";

type Made = Mutex<Option<ScratchDatabase>>;

/// A database that is removed when this is dropped, or when a signal ends the process.
pub(super) struct Database {
    made: Arc<Made>,
    address: PostgresAddress,
}

impl Database {
    /// Makes one on the server of this address. The database that it names is left as it is.
    pub(super) fn create(server: &PostgresAddress) -> anyhow::Result<Self> {
        let made = Arc::<Made>::default();
        let mut place = lock(&made);
        let of_signals = Arc::clone(&made);
        signals::end_after(move || remove(&of_signals))?;
        let database = ScratchDatabase::create(server, PREFIX)?;
        let address = database.address().clone();
        *place = Some(database);
        drop(place);
        Ok(Self { made, address })
    }

    /// The state in it, of a host with this data directory.
    pub(super) fn state(&self, data: &Path) -> StatePlace {
        StatePlace::Postgres {
            address: self.address.clone(),
            folders: SharedFolders {
                exports: data.join("exports"),
                snapshots: None,
            },
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        remove(&self.made);
    }
}

fn remove(made: &Made) {
    let mut place = lock(made);
    *place = None;
}

fn lock(made: &Made) -> MutexGuard<'_, Option<ScratchDatabase>> {
    made.lock().unwrap_or_else(PoisonError::into_inner)
}
