//! Opens a state for reading, wherever it is.

use std::path::Path;

use super::{HostTables, Reader};
use crate::{
    state::{
        duckdb_file::file::{
            backup::{is_to_be_restored, restore},
            place::{refuse_missing, refuse_odd_files},
        },
        engine::{
            instance::{Access, Link},
            open::{link_to, open_engine},
        },
        error::{Result, StateError},
        postgres::shared_state::SharedState,
    },
    state_place::StatePlace,
};

impl Reader {
    /// Opens the state at its place for reading. A state in a database is not changed.
    ///
    /// # Errors
    /// As for [`open`](Self::open); when a database holds no state or cannot be reached.
    pub fn open_at(place: &StatePlace) -> Result<Self> {
        match place {
            StatePlace::File(path) => Self::open(path),
            StatePlace::Postgres { address, folders } => {
                let link = SharedState::open_for_a_reader(address, folders.clone())?;
                link.map(Self::of_some_shared)
                    .ok_or_else(|| StateError::missing_at(address))
            }
        }
    }

    /// Like [`open_at`](Self::open_at); also opens the newest snapshot, if there is one, for reports. SQL on the snapshot
    /// reaches nothing else.
    ///
    /// # Errors
    /// As above.
    pub fn open_with_snapshot(place: &StatePlace) -> Result<(Self, Option<Self>)> {
        let StatePlace::Postgres { address, folders } = place else {
            return Ok((Self::open_at(place)?, None));
        };
        let shared = SharedState::look_at(address, folders.clone())?.ok_or_else(|| StateError::missing_at(address))?;
        let snapshot = shared.snapshot()?;
        let snapshot = snapshot.map(|(link, taken_at)| Self::of_snapshot(link, taken_at));
        Ok((Self::of_some_shared(shared.unconfined()?), snapshot))
    }

    /// Opens the state at its place for reading, if there is one; changes nothing.
    ///
    /// # Errors
    /// As for [`look_at`](Self::look_at); when a database cannot be reached.
    pub fn look_at_place(place: &StatePlace) -> Result<Option<Self>> {
        match place {
            StatePlace::File(path) => Self::look_at(path),
            StatePlace::Postgres { address, folders } => {
                let link = SharedState::open_for_a_reader(address, folders.clone())?;
                Ok(link.map(Self::of_some_shared))
            }
        }
    }

    /// Opens an existing state file.
    ///
    /// # Errors
    /// When it does not exist, another process has it open, or it is not a DuckDB database.
    pub fn open(path: &Path) -> Result<Self> {
        refuse_missing(path)?;
        refuse_odd_files(path)?;
        restore(path)?;
        Self::of_some(path)
    }

    /// Opens a state file without writing anything, so it does not restore an interrupted checkpoint. `None` if there
    /// is no state yet, or if it must be restored first.
    ///
    /// # Errors
    /// When another process has it open, or it is not a DuckDB database.
    pub fn look_at(path: &Path) -> Result<Option<Self>> {
        if matches!(refuse_missing(path), Err(StateError::Missing { .. })) {
            return Ok(None);
        }
        if is_to_be_restored(path) {
            tracing::warn!(
                "a checkpoint was interrupted: the plugins' tables can be compared once a run has restored the state"
            );
            return Ok(None);
        }
        Self::of_some(path).map(Some)
    }

    fn of_some(path: &Path) -> Result<Self> {
        Ok(Self {
            link: link_to(&open_engine(path, Access::ReadOnly)?)?,
            tables: HostTables::Some,
            as_of: None,
        })
    }

    /// Reads a state in a database that no host has opened here for writing.
    fn of_some_shared(link: Link) -> Self {
        Self {
            tables: HostTables::Some,
            ..Self::of(link)
        }
    }
}
