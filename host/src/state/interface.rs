//! All that the host asks of its state: what another backend would have to answer.
//!
//! # Threads
//! A [`State`] is shared by all threads. Its methods say where they wait.

use std::{collections::HashMap, io, path::Path, path::PathBuf, sync::Arc};

use session_plugin_api::Timestamp;

use super::{
    commit::{
        reference::{self, ReferenceRows},
        rules::StatementRules,
        transaction::Transaction,
        writer::Writer,
    },
    error::{Result, StateError},
    file::{
        disk::StateFiles,
        place::{new_export_folder, refuse_missing},
    },
    forget::{
        copy,
        purge::{PurgeWish, Purged, Purging},
        subject::{self, Forgotten},
    },
    open::{ailment::Ailment, open_state::OpenState, recovery::Mended},
    query::reader::Reader,
    records::{
        audit::{self, AuditRecord},
        failures,
        sessions::{self, SessionState},
    },
    rows::table::FilledTable,
    schema::{
        processor::{self, DeclaredTables},
        refused::SchemaRefused,
    },
};
use crate::names::{ProcessorName, SessionKey};

/// The state file, opened by this process alone.
pub struct State {
    open: OpenState,
    purging: Purging,
}

/// Opening, and what the state is.
impl State {
    /// Opens the state file, makes it where there is none, and brings its schema up to date. A purge that is due is made.
    ///
    /// # Errors
    /// When another process has it open, it is no DuckDB database, or a newer version wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        let state = Self {
            open: OpenState::open(path, copy::remove_leftovers)?,
            purging: Purging::default(),
        };
        state.purging.at_start(&state.open);
        Ok(state)
    }

    /// Opens the state file that there is, as [`open`](Self::open) does.
    ///
    /// # Errors
    /// When there is none, and as above.
    pub fn open_existing(path: &Path) -> Result<Self> {
        refuse_missing(path)?;
        Self::open(path).inspect(Self::settle_schema)
    }

    /// Where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.open.path()
    }

    /// The state's files and their disk. The database is not asked.
    ///
    /// # Errors
    /// When the system tells nothing of the disk.
    pub fn files(&self) -> io::Result<StateFiles> {
        StateFiles::of(self.path())
    }

    /// Makes a folder for an export, named by the time.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new_export_folder(&self) -> Result<PathBuf> {
        new_export_folder(self.path())
    }
}

/// The tables of processors.
impl State {
    /// Applies a processor's outstanding migrations, and gives its session tables.
    ///
    /// # Errors
    /// When the processor cannot be used with this state. Nothing of the migration that failed is kept.
    pub fn prepare_processor(&self, declared: DeclaredTables<'_>) -> Result<Vec<Arc<FilledTable>>, SchemaRefused> {
        let applied = || self.open.note_changed_schema();
        let prepared = self
            .open
            .write(|writer| processor::prepare(writer.link(), declared, applied));
        self.open.hold_lock()?;
        prepared
    }

    /// Replaces the rows of a processor's reference tables, all of those that differ in one transaction. Where none differs
    /// nothing is written.
    ///
    /// # Errors
    /// When a table does not take its rows; every table is as it was then.
    pub fn replace_reference_rows(&self, processor: &ProcessorName, rows: ReferenceRows) -> Result<(), SchemaRefused> {
        self.open
            .write(|writer| reference::replace_rows(writer.link(), processor, rows))
    }

    /// What the statements of a processor may do.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn statement_rules(&self, processor: &ProcessorName) -> Result<StatementRules> {
        StatementRules::of(&*self.open.connect()?, processor)
    }
}

/// A run: which sessions are candidates, their attempts, their commits.
impl State {
    /// What is recorded of a processor's sessions.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn sessions(&self, processor: &ProcessorName) -> Result<HashMap<SessionKey, SessionState>> {
        sessions::read(&*self.open.connect()?, processor)
    }

    /// The sessions that fail, with when each was last tried.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn last_failed(&self, processor: &ProcessorName) -> Result<HashMap<SessionKey, Timestamp>> {
        failures::last_failed(&*self.open.connect()?, processor)
    }

    /// Begins the transaction of an attempt that writes by SQL, on a connection that nothing else uses.
    ///
    /// # Errors
    /// When the state is closed, or the database refuses.
    pub fn begin_attempt(&self) -> Result<Transaction> {
        Transaction::begin(self.open.connect()?)
    }

    /// Writes through the one writer, which commits groups of sessions; waits until no other thread writes.
    ///
    /// # Errors
    /// When the state is closed, and what the work gives.
    pub fn write<T, E: From<StateError>>(&self, work: impl FnOnce(&Writer) -> Result<T, E>) -> Result<T, E> {
        self.open.write(work)
    }

    /// Keeps other programs from opening the file: a statement that someone else wrote may have opened and closed it, which
    /// gives up the database's lock on it.
    ///
    /// # Errors
    /// When the state is closed, or another program has taken the lock meanwhile: it is closed then.
    pub fn hold_lock(&self) -> Result<()> {
        self.open.hold_lock()
    }

    /// Removes the records of sessions that fail no longer.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn clear_failures(&self, processor: &ProcessorName, sessions: &[SessionKey]) -> Result<()> {
        match sessions {
            [] => Ok(()),
            sessions => self
                .open
                .write(|writer| failures::clear(writer.link(), processor, sessions)),
        }
    }
}

/// The audit log.
impl State {
    /// Writes an action into the audit log.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn audit(&self, record: &AuditRecord) -> Result<()> {
        self.open.write_noted(|writer| audit::append(writer.link(), record))
    }

    /// Writes a run into the audit log and into the schedule's memory.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn audit_run(&self, processor: &ProcessorName, run: &AuditRecord) -> Result<()> {
        self.open
            .write_noted(|writer| audit::append_run(writer.link(), processor, run))
    }

    /// Removes what the audit log has from before a time, and gives the number of entries.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn prune_audit_log(&self, before: Timestamp) -> Result<usize> {
        self.open.write(|writer| audit::prune(writer.link(), before))
    }
}

/// Corrections.
impl State {
    /// Forgets that a processor is done with a session, or with all: they are processed again, and their rows stay
    /// until then. Gives the number of sessions.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn reprocess(&self, processor: &ProcessorName, session: Option<&SessionKey>) -> Result<usize> {
        self.open
            .write(|writer| sessions::forget_done(writer.link(), processor, session))
    }

    /// Removes everything about a user (`alice`, as recorded or as the folder's name) or one session
    /// (`alice/3f2c.jsonl`), from every table that has a `session_file`, then from the blocks of the file.
    ///
    /// # Errors
    /// When the state cannot be written; nothing is removed then. A purge that fails is no error: it stays due.
    pub fn forget(&self, user_or_session: &str, wish: PurgeWish) -> Result<Forgotten> {
        subject::forget(&self.open, &self.purging, user_or_session, wish)
    }

    /// Rewrites the state file without what was forgotten, if that is due.
    ///
    /// # Errors
    /// When its file is gone, or the state cannot be written or copied. It is as it was then, and the purge stays due.
    pub fn purge(&self, wish: PurgeWish) -> Result<Purged> {
        self.purging.purge(&self.open, wish)
    }

    /// Why what was forgotten is still in the state file, where it is.
    #[must_use]
    pub fn purge_waits(&self) -> Option<String> {
        self.purging.waits()
    }
}

/// Reading.
impl State {
    /// A further connection, for lists, queries and exports.
    ///
    /// # Errors
    /// When the state is closed, or the database gives none.
    pub fn reader(&self) -> Result<Reader> {
        self.open.connect().map(Reader::of)
    }
}

/// Health, and what keeps the file in order.
impl State {
    /// Why the state is closed, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<StateError> {
        self.open.closed()
    }

    /// What keeps the state from being written, if something does. Waits for nothing but a moment's lock.
    #[must_use]
    pub fn ailment(&self) -> Option<Ailment> {
        self.open.ailment()
    }

    /// Notes an error, where it tells that the state cannot be written.
    pub fn note(&self, error: &StateError) {
        self.open.note(error);
    }

    /// Writes the WAL into the file proper.
    ///
    /// # Errors
    /// When the state is closed, a transaction is open, or the disk is full.
    pub fn checkpoint(&self) -> Result<()> {
        self.open.checkpoint()
    }

    /// Does so when the WAL has grown large. Where a transaction is open this waits for the next time.
    pub fn checkpoint_if_due(&self) {
        self.open.checkpoint_if_due();
    }

    /// Leaves no change of the schema in the WAL, which may fail to replay over one. Where a transaction is open this waits
    /// for the next time.
    pub fn settle_schema(&self) {
        self.open.settle_schema();
    }

    /// Opens a closed state anew, once nothing holds a connection to the instance that failed.
    pub fn mend(&self) -> Mended {
        self.open.mend()
    }

    /// As [`mend`](Self::mend), and tries again what failed of a state that is open.
    pub fn recover(&self) -> Mended {
        self.open.recover()
    }
}

#[cfg(test)]
impl State {
    /// The state below, for tests that break it.
    pub(super) fn open_state(&self) -> &OpenState {
        &self.open
    }
}

#[cfg(test)]
mod tests;
