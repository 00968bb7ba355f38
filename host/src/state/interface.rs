//! Everything that the rest of the host asks of its state, so everything that another backend would have to answer.
//!
//! # Threads
//! All threads share one [`State`]. Its methods say where they wait.

use std::{collections::HashMap, io, path::Path, path::PathBuf, sync::Arc};

use duckdb::Connection;

use super::{
    backend::Backend,
    commit::{
        guard::Guard,
        reference::{self, ReferenceRows},
        rules::StatementRules,
        transaction::{AttemptTurn, Transaction},
        writer::Writer,
    },
    duckdb_file::file::{
        disk::StateFiles,
        place::{new_export_folder, refuse_missing},
    },
    duckdb_file::open::open_state::OpenState,
    duckdb_file::rewrite::{copy, storage},
    error::{Result, StateError},
    forget::{
        deletion::{self, Forgetting, Forgotten, ToForget},
        purge::{PurgeWish, Purged, Purging},
    },
    postgres::shared_state::SharedState,
    query::reader::Reader,
    records::{
        audit::Actor,
        failures::{self, FailingSession, FailureChange},
        pauses::{self, Pause},
        reprocessing::{self, Marked, ReprocessFilter},
        sessions::{self, SessionState},
    },
    rows::table::FilledTable,
    schema::{processor::DeclaredTables, refused::SchemaRefused},
};
use crate::{
    cluster::RequestKind,
    names::{ProcessorName, SessionKey},
    postgres::PostgresAddress,
    state_place::{SharedFolders, StatePlace},
};

/// The state: in a file, which only this process has open, or in a database, which other hosts share.
pub struct State {
    backend: Backend,
    purging: Purging,
}

/// Opening, and facts about the state.
impl State {
    /// Opens the state at its place.
    ///
    /// # Errors
    /// As for [`open`](Self::open) and [`open_shared`](Self::open_shared).
    pub fn open_at(place: &StatePlace) -> Result<Self> {
        match place {
            StatePlace::File(path) => Self::open(path),
            StatePlace::Postgres { address, folders } => Self::open_shared(address, folders.clone()),
        }
    }

    /// Opens the state file, creates it if it does not exist, and migrates its schema. Copies it, if a purge or a
    /// newer storage version is due.
    ///
    /// # Errors
    /// When another process has it open, it is not a DuckDB database, or a newer version wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        let open = OpenState::open(path, copy::remove_leftovers)?;
        let purging = Purging::at_start(&open);
        storage::bring_up_to_date(&open);
        Ok(Self {
            backend: Backend::File(open),
            purging,
        })
    }

    /// Opens a state that several hosts share, and creates or migrates the host's own tables.
    ///
    /// # Errors
    /// When the database cannot be reached, this role may not create tables there, or a newer version migrated them.
    pub fn open_shared(address: &PostgresAddress, folders: SharedFolders) -> Result<Self> {
        SharedState::open(address, folders).map(Self::of_shared)
    }

    fn of_shared(state: SharedState) -> Self {
        Self {
            backend: Backend::Shared(state),
            purging: Purging::default(),
        }
    }

    /// Opens an existing state, like [`open_at`](Self::open_at).
    ///
    /// # Errors
    /// When it does not exist, and as above.
    pub fn open_existing(place: &StatePlace) -> Result<Self> {
        let opened = match place {
            StatePlace::File(path) => {
                refuse_missing(path)?;
                Self::open(path)
            }
            StatePlace::Postgres { address, folders } => {
                let shared = SharedState::open_existing(address, folders.clone())?;
                shared
                    .map(Self::of_shared)
                    .ok_or_else(|| StateError::missing_at(address))
            }
        };
        opened.inspect(Self::settle_schema)
    }

    /// Where the state is, for people.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.backend {
            Backend::File(state) => state.path().display().to_string(),
            Backend::Shared(state) => state.address().to_string(),
        }
    }

    /// The files of a state in a file and their disk, without asking the database.
    ///
    /// # Errors
    /// When the system does not report the free space.
    pub fn files(&self) -> io::Result<Option<StateFiles>> {
        self.backend
            .file()
            .map(|state| StateFiles::of(state.path()))
            .transpose()
    }

    /// Creates a folder for an export, named by the time.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new_export_folder(&self) -> Result<PathBuf> {
        new_export_folder(&self.backend.exports())
    }
}

/// The tables of processors.
impl State {
    /// Applies a processor's pending migrations, and returns its session tables.
    ///
    /// # Errors
    /// When the processor cannot be used with this state. The migration that failed leaves nothing behind.
    pub fn prepare_processor(&self, declared: DeclaredTables<'_>) -> Result<Vec<Arc<FilledTable>>, SchemaRefused> {
        self.backend.prepare_processor(declared)
    }

    /// Replaces the rows of those of a processor's reference tables that differ, in one transaction. Writes nothing if
    /// none differs.
    ///
    /// # Errors
    /// When rows do not fit their table. No table is changed then.
    pub fn replace_reference_rows(&self, processor: &ProcessorName, rows: ReferenceRows) -> Result<(), SchemaRefused> {
        self.backend
            .write(|writer| reference::replace_rows(writer.link(), processor, rows, self.backend.schema()))
    }

    /// The rules for the statements of a processor.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn statement_rules(&self, processor: &ProcessorName) -> Result<StatementRules> {
        let inventory = self.backend.schema().inventory(&self.backend.connect()?)?;
        Ok(StatementRules::of(inventory, processor))
    }
}

/// A run: its candidates, attempts and commits.
impl State {
    /// The recorded sessions of a processor.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn sessions(&self, processor: &ProcessorName) -> Result<HashMap<SessionKey, SessionState>> {
        sessions::read(&*self.backend.connect()?, processor)
    }

    /// The sessions of a processor that fail.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn failing(&self, processor: &ProcessorName) -> Result<HashMap<SessionKey, FailingSession>> {
        failures::failing(&*self.backend.connect()?, processor)
    }

    /// Begins the transaction of an attempt that runs SQL, on a connection that nothing else uses.
    ///
    /// # Errors
    /// When the state is closed, or the database fails.
    pub fn begin_attempt(&self, turn: AttemptTurn) -> Result<Transaction> {
        Transaction::begin(self.backend.connect()?, turn.into())
    }

    /// Writes through the one writer, which commits groups of sessions; waits until no other thread is writing.
    ///
    /// # Errors
    /// When the state is closed, or the work fails.
    pub fn write<T, E: From<StateError>>(&self, work: impl FnOnce(&Writer) -> Result<T, E>) -> Result<T, E> {
        self.backend.write(work)
    }

    /// Runs the commit of a group of attempts. In a file, the group takes its turn with the writer. In a shared state, there are no
    /// turns: a group that is repeated waits for another one, which must not wait for a turn meanwhile.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub fn in_turn<T, E: From<StateError>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        match self.backend.file() {
            Some(file) => file.write(|_| work()),
            None => work(),
        }
    }

    /// Takes the database's lock on the file again. A statement that somebody else wrote may have opened and closed the
    /// file, which gives up that lock.
    ///
    /// # Errors
    /// When the state is closed, or when another program has taken the lock meanwhile, which closes the state.
    pub fn hold_lock(&self) -> Result<()> {
        self.backend.hold_lock()
    }

    /// Changes the records of failing sessions. `guard` is what the run checks where several hosts share the state.
    ///
    /// # Errors
    /// When others have taken over the work of this host, or the state cannot be written.
    pub(crate) fn change_failures(
        &self,
        change: FailureChange,
        guard: Option<&dyn Guard>,
        processor: &ProcessorName,
        sessions: &[SessionKey],
    ) -> Result<()> {
        if sessions.is_empty() {
            return Ok(());
        }
        let work = |connection: &Connection| failures::change(connection, change, processor, sessions);
        self.backend
            .write_noted(|writer| writer.write_held(guard, processor, change.doing(), work))
    }
}

/// Pauses.
impl State {
    /// Pauses a processor until someone resumes it; the reason of an earlier pause is replaced.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn pause(&self, processor: &ProcessorName, reason: Option<&str>, actor: &Actor) -> Result<Pause> {
        self.correct(RequestKind::Pause, actor, |connection| {
            pauses::pause(connection, processor, reason, actor)
        })
    }

    /// Ends a pause; whether there was one.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn resume(&self, processor: &ProcessorName) -> Result<bool> {
        self.correct(RequestKind::Resume, &Actor::Admin, |connection| {
            pauses::resume(connection, processor)
        })
    }
}

/// Corrections.
impl State {
    /// Marks the selected sessions of a processor for reprocessing. Their rows stay until then. Returns what was marked.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn reprocess(&self, processor: &ProcessorName, filter: &ReprocessFilter) -> Result<Marked> {
        self.correct(RequestKind::Reprocess, &Actor::Admin, |connection| {
            reprocessing::mark(connection, processor, filter)
        })
    }

    /// What would be removed if this user or session was forgotten.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn to_forget(&self, user_or_session: &str) -> Result<ToForget> {
        deletion::count(&self.backend, user_or_session)
    }

    /// Begins to forget a user (`alice`, as recorded or as the folder's name) or one session (`alice/3f2c.jsonl`): gives
    /// what is known of the subject, and the transaction in which it is forgotten.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn begin_forgetting(&self, user_or_session: &str) -> Result<(Forgetting, Transaction)> {
        deletion::begin(&self.backend, user_or_session)
    }

    /// Removes everything about the subject from every table that has a `session_file`, commits the transaction, and
    /// removes the subject from the blocks of the file. The hooks of the processors `taken_back` have succeeded in the
    /// transaction.
    ///
    /// # Errors
    /// When the state cannot be written; nothing is removed then. A purge that fails is no error: it stays due.
    pub fn end_forgetting(
        &self,
        forgetting: Forgetting,
        transaction: Transaction,
        taken_back: &[ProcessorName],
        wish: PurgeWish,
    ) -> Result<Forgotten> {
        let forgotten = deletion::end(&self.backend, &self.purging, forgetting, transaction, taken_back, wish)?;
        self.remove_snapshots();
        Ok(forgotten)
    }

    /// Rewrites the state file without the forgotten data, if that is due.
    ///
    /// # Errors
    /// When its file is gone, or the state cannot be written or copied. The state is unchanged then, and the purge
    /// stays due.
    pub fn purge(&self, wish: PurgeWish) -> Result<Purged> {
        self.backend
            .file()
            .map_or(Ok(Purged::NotDue), |state| self.purging.purge(state, wish))
    }

    /// Why the state file still holds forgotten data, if it does.
    #[must_use]
    pub fn purge_waits(&self) -> Option<String> {
        self.purging.waits()
    }
}

/// Reading.
impl State {
    /// Opens a further connection, for lists, queries and exports.
    ///
    /// # Errors
    /// When the state is closed, or the database cannot connect.
    pub fn reader(&self) -> Result<Reader> {
        self.backend.connect().map(Reader::of)
    }
}

#[cfg(test)]
impl State {
    /// The underlying state, for tests that break it.
    pub(super) fn open_state(&self) -> &OpenState {
        match &self.backend {
            Backend::File(state) => state,
            Backend::Shared(_) => panic!("these tests use files"),
        }
    }

    /// The path of the file, for tests that look at it.
    pub(super) fn path(&self) -> &Path {
        self.open_state().path()
    }
}

mod log;
mod sharing;
#[cfg(test)]
mod tests;
mod upkeep;
