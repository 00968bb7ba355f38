//! An open state file: the instance, the writer's connection, and the checkpoints.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::state::{
    commit::writer::Writer,
    duckdb_file::file::{backup::restore, checkpoint::Checkpoints, paths::exports_of},
    engine::{
        instance::{Access, Engine},
        open::{confine, link_to, open_engine},
    },
    error::{Result, StateError},
    schema::{declared::Foundations, host_migrations, known::KnownSchema},
};

/// An open state file.
pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) writer: Mutex<Writer>,
    /// Whoever waits for the engine to be closed keeps this too: it has the file open, and closing it gives up DuckDB's
    /// lock.
    pub(super) checkpoints: Arc<Mutex<Checkpoints>>,
}

/// Whether opening a state migrated its schema.
#[derive(Debug)]
pub(super) enum Schema {
    /// It was current, and is founded on this.
    Current(Foundations),
    /// It was migrated, and the WAL should not keep the changes.
    Changed,
}

impl Schema {
    /// Whether it was migrated.
    pub(super) fn is_changed(&self) -> bool {
        matches!(self, Self::Changed)
    }

    /// What is known of it.
    pub(super) fn known(self) -> KnownSchema {
        match self {
            Self::Current(foundations) => KnownSchema::founded_on(foundations),
            Self::Changed => KnownSchema::default(),
        }
    }
}

impl Opened {
    /// Opens the state file and migrates its schema.
    ///
    /// # Errors
    /// When another process has it open, it is not a DuckDB database, or a newer version wrote it.
    pub(super) fn open(path: &Path) -> Result<(Self, Schema)> {
        restore(path)?;
        let engine = open_or_make(path)?;
        let checkpoints = Checkpoints::of(path)?;
        let link = link_to(&engine)?;
        confine(&link, &exports_of(path))?;
        let foundations = host_migrations::bring_up_to_date(&link, path)?;
        let schema = foundations.map_or(Schema::Changed, Schema::Current);
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

/// Opens the engine of a state file. If creating the file fails, for example on a full disk, removes the incomplete
/// file, because DuckDB would later reject it.
fn open_or_make(path: &Path) -> Result<Engine> {
    let is_new = matches!(path.try_exists(), Ok(false));
    open_engine(path, Access::ReadWrite).inspect_err(|error| {
        if is_new && matches!(error, StateError::Troubled { .. }) {
            // If the file cannot be removed, the next open reports it.
            let _ = fs::remove_file(path);
        }
    })
}
