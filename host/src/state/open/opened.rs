//! What is open of a state file: the instance, the writer's connection, and the checkpoints.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::state::{
    commit::writer::Writer,
    engine::{
        instance::{Access, Engine},
        open::{confine, link_to, open_engine},
    },
    error::{Result, StateError},
    file::{backup::restore, checkpoint::Checkpoints, paths::exports_of},
    schema::host,
};

/// What is open of a state file.
pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) writer: Mutex<Writer>,
    /// Kept by whoever waits for the engine to be closed: they have the file open, and closing it gives up DuckDB's lock.
    pub(super) checkpoints: Arc<Mutex<Checkpoints>>,
}

/// Whether opening a state brought its schema up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// It was as it should be.
    Current,
    /// It has changed, which the WAL should not keep.
    Changed,
}

impl Opened {
    /// Opens the state file, and brings its schema up to date.
    ///
    /// # Errors
    /// When another process has it open, it is no DuckDB database, or a newer version wrote it.
    pub(super) fn open(path: &Path) -> Result<(Self, Schema)> {
        restore(path)?;
        let engine = open_or_make(path)?;
        let checkpoints = Checkpoints::of(path)?;
        let link = link_to(&engine)?;
        confine(&link, &exports_of(path))?;
        let schema = match host::bring_up_to_date(&link, path)? {
            true => Schema::Changed,
            false => Schema::Current,
        };
        let opened = Self {
            engine,
            writer: Mutex::new(Writer::new(link)?),
            checkpoints: Arc::new(Mutex::new(checkpoints)),
        };
        Ok((opened, schema))
    }

    /// The checkpoints, for this thread alone.
    pub(super) fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer, for this thread alone.
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the engine of a state file. One that could not be made whole, on a full disk, would be taken for no database.
fn open_or_make(path: &Path) -> Result<Engine> {
    let is_new = matches!(path.try_exists(), Ok(false));
    open_engine(path, Access::ReadWrite).inspect_err(|error| {
        if is_new && matches!(error, StateError::Troubled { .. }) {
            // What is left is told of by whoever opens it next.
            let _ = fs::remove_file(path);
        }
    })
}
