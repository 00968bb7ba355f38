//! Where the state is: in a DuckDB file, or in a PostgreSQL database.
//!
//! The rest of the state works on links. What differs between the two is told here, but for SQL that one of them cannot take:
//! that asks its link ([`Link::is_attached`]).

use std::{path::PathBuf, sync::Arc};

use super::{
    ailment::Ailment,
    commit::writer::Writer,
    duckdb_file::{
        file::paths::exports_of,
        open::{open_state::OpenState, recovery::Mended},
    },
    engine::instance::Link,
    error::{Result, StateError},
    postgres::shared_state::SharedState,
    rows::table::FilledTable,
    schema::{
        known::KnownSchema,
        processor::{self, DeclaredTables},
        refused::SchemaRefused,
    },
};

/// Where the state is.
#[expect(clippy::large_enum_variant, reason = "a host has one state")]
pub(crate) enum Backend {
    /// In a file, which only this process has open.
    File(OpenState),
    /// In a database, which other hosts share.
    Shared(SharedState),
}

impl Backend {
    /// The state in a file, if it is in one.
    pub(crate) fn file(&self) -> Option<&OpenState> {
        match self {
            Self::File(state) => Some(state),
            Self::Shared(_) => None,
        }
    }

    /// The state in a database, if it is in one.
    pub(crate) fn shared(&self) -> Option<&SharedState> {
        match self {
            Self::File(_) => None,
            Self::Shared(state) => Some(state),
        }
    }

    /// The folder that exports are written to.
    pub(crate) fn exports(&self) -> PathBuf {
        match self {
            Self::File(state) => exports_of(state.path()),
            Self::Shared(state) => state.exports().clone(),
        }
    }

    /// Opens a further link.
    ///
    /// # Errors
    /// When the state is closed or cannot be reached.
    pub(crate) fn connect(&self) -> Result<Link> {
        match self {
            Self::File(state) => state.connect(),
            Self::Shared(state) => state.connect(),
        }
    }

    /// Writes through the one writer of this host; waits until no other thread is writing.
    ///
    /// # Errors
    /// When the state is closed or cannot be reached, or the work fails.
    pub(crate) fn write<T, E: From<StateError>>(&self, work: impl FnOnce(&Writer) -> Result<T, E>) -> Result<T, E> {
        match self {
            Self::File(state) => state.write(work),
            Self::Shared(state) => state.write(work),
        }
    }

    /// Like [`write`](Self::write), and notes for health how it ended. Work on a shared state that meets that of another host is
    /// done again.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn write_noted<T>(&self, work: impl Fn(&Writer) -> Result<T>) -> Result<T> {
        match self {
            Self::File(state) => state.write_noted(work),
            Self::Shared(state) => state.write_noted(work),
        }
    }

    /// Applies a processor's pending migrations, and returns its session tables.
    ///
    /// # Errors
    /// When the processor cannot be used with this state. The migration that failed leaves nothing behind.
    pub(crate) fn prepare_processor(
        &self,
        declared: DeclaredTables<'_>,
    ) -> Result<Vec<Arc<FilledTable>>, SchemaRefused> {
        match self {
            Self::File(state) => {
                let applied = || state.note_changed_schema();
                let prepared =
                    state.write(|writer| processor::prepare(writer.link(), declared, state.schema(), applied));
                state.hold_lock()?;
                prepared
            }
            Self::Shared(state) => state.prepare_processor(declared),
        }
    }

    /// What is known of the schema.
    pub(crate) fn schema(&self) -> &KnownSchema {
        match self {
            Self::File(state) => state.schema(),
            Self::Shared(state) => state.schema(),
        }
    }

    /// Takes DuckDB's lock on a file again. A statement that somebody else wrote may have opened and closed the file,
    /// which gives up that lock.
    ///
    /// # Errors
    /// When the state is closed, or when another program has taken the lock meanwhile, which closes the state.
    pub(crate) fn hold_lock(&self) -> Result<()> {
        self.file().map_or(Ok(()), OpenState::hold_lock)
    }

    /// Why the state cannot be written, if it cannot. Takes only a lock that is held for moments.
    pub(crate) fn ailment(&self) -> Option<Ailment> {
        match self {
            Self::File(state) => state.ailment(),
            Self::Shared(state) => state.ailment(),
        }
    }

    /// Notes an error if it shows that the state cannot be written.
    pub(crate) fn note(&self, error: &StateError) {
        match self {
            Self::File(state) => state.note(error),
            Self::Shared(state) => state.note(error),
        }
    }

    /// Reopens a closed state. If the state is open, tries again what failed.
    pub(crate) fn recover(&self) -> Mended {
        match self {
            Self::File(state) => state.recover(),
            Self::Shared(state) => {
                state.recover();
                Mended::WasOpen
            }
        }
    }
}
