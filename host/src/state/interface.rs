//! Everything that the rest of the host asks of its state, so everything that another backend would have to answer.
//!
//! # Threads
//! All threads share one [`State`]. Its methods say where they wait.

use std::{collections::HashMap, io, path::Path, path::PathBuf, sync::Arc};

use session_plugin_api::Timestamp;

use super::{
    commit::{
        reference::{self, ReferenceRows},
        rules::StatementRules,
        transaction::Transaction,
        writer::Writer,
    },
    duckdb_file::file::{
        disk::StateFiles,
        place::{new_export_folder, refuse_missing},
    },
    duckdb_file::open::{ailment::Ailment, open_state::OpenState, recovery::Mended},
    duckdb_file::rewrite::{copy, storage},
    error::{Result, StateError},
    forget::{
        deletion::{self, Forgetting, Forgotten},
        purge::{PurgeWish, Purged, Purging},
    },
    query::reader::Reader,
    records::{
        alerts::{self, AlertChanges},
        audit::{self, Actor, AuditRecord},
        failures::{self, FailingSession},
        pauses::{self, Pause},
        reprocessing::{self, Marked, ReprocessFilter},
        sessions::{self, SessionState},
    },
    rows::table::FilledTable,
    schema::{
        processor::{self, DeclaredTables},
        refused::SchemaRefused,
    },
};
use crate::names::{ProcessorName, SessionKey};

/// The state file, which only this process has open.
pub struct State {
    open: OpenState,
    purging: Purging,
}

/// Opening, and facts about the state.
impl State {
    /// Opens the state file, creates it if it does not exist, and migrates its schema. Copies it, if a purge or a
    /// newer storage version is due.
    ///
    /// # Errors
    /// When another process has it open, it is not a DuckDB database, or a newer version wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        let open = OpenState::open(path, copy::remove_leftovers)?;
        let purging = Purging::at_start(&open);
        storage::bring_up_to_date(&open);
        Ok(Self { open, purging })
    }

    /// Opens an existing state file, like [`open`](Self::open).
    ///
    /// # Errors
    /// When it does not exist, and as above.
    pub fn open_existing(path: &Path) -> Result<Self> {
        refuse_missing(path)?;
        Self::open(path).inspect(Self::settle_schema)
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.open.path()
    }

    /// The state's files and their disk, without asking the database.
    ///
    /// # Errors
    /// When the system does not report the free space.
    pub fn files(&self) -> io::Result<StateFiles> {
        StateFiles::of(self.path())
    }

    /// Creates a folder for an export, named by the time.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new_export_folder(&self) -> Result<PathBuf> {
        new_export_folder(self.path())
    }
}

/// The tables of processors.
impl State {
    /// Applies a processor's pending migrations, and returns its session tables.
    ///
    /// # Errors
    /// When the processor cannot be used with this state. The migration that failed leaves nothing behind.
    pub fn prepare_processor(&self, declared: DeclaredTables<'_>) -> Result<Vec<Arc<FilledTable>>, SchemaRefused> {
        let applied = || self.open.note_changed_schema();
        let prepared = self
            .open
            .write(|writer| processor::prepare(writer.link(), declared, self.open.schema(), applied));
        self.open.hold_lock()?;
        prepared
    }

    /// Replaces the rows of those of a processor's reference tables that differ, in one transaction. Writes nothing if
    /// none differs.
    ///
    /// # Errors
    /// When rows do not fit their table. No table is changed then.
    pub fn replace_reference_rows(&self, processor: &ProcessorName, rows: ReferenceRows) -> Result<(), SchemaRefused> {
        self.open
            .write(|writer| reference::replace_rows(writer.link(), processor, rows, self.open.schema()))
    }

    /// The rules for the statements of a processor.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn statement_rules(&self, processor: &ProcessorName) -> Result<StatementRules> {
        let inventory = self.open.schema().inventory(&*self.open.connect()?)?;
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
        sessions::read(&*self.open.connect()?, processor)
    }

    /// The sessions of a processor that fail.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn failing(&self, processor: &ProcessorName) -> Result<HashMap<SessionKey, FailingSession>> {
        failures::failing(&*self.open.connect()?, processor)
    }

    /// Begins the transaction of an attempt that runs SQL, on a connection that nothing else uses.
    ///
    /// # Errors
    /// When the state is closed, or the database fails.
    pub fn begin_attempt(&self) -> Result<Transaction> {
        Transaction::begin(self.open.connect()?)
    }

    /// Writes through the one writer, which commits groups of sessions; waits until no other thread is writing.
    ///
    /// # Errors
    /// When the state is closed, or the work fails.
    pub fn write<T, E: From<StateError>>(&self, work: impl FnOnce(&Writer) -> Result<T, E>) -> Result<T, E> {
        self.open.write(work)
    }

    /// Takes the database's lock on the file again. A statement that somebody else wrote may have opened and closed the
    /// file, which gives up that lock.
    ///
    /// # Errors
    /// When the state is closed, or when another program has taken the lock meanwhile, which closes the state.
    pub fn hold_lock(&self) -> Result<()> {
        self.open.hold_lock()
    }

    /// Removes the records of sessions that no longer fail.
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

    /// Lets the next run attempt these failing sessions, as if they had failed for the first time.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn count_failures_anew(&self, processor: &ProcessorName, sessions: &[SessionKey]) -> Result<()> {
        match sessions {
            [] => Ok(()),
            sessions => self
                .open
                .write(|writer| failures::count_anew(writer.link(), processor, sessions)),
        }
    }
}

/// Pauses.
impl State {
    /// Pauses a processor until someone resumes it; the reason of an earlier pause is replaced.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn pause(&self, processor: &ProcessorName, reason: Option<&str>, actor: &Actor) -> Result<Pause> {
        self.open
            .write(|writer| pauses::pause(writer.link(), processor, reason, actor))
    }

    /// Ends a pause; whether there was one.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn resume(&self, processor: &ProcessorName) -> Result<bool> {
        self.open.write(|writer| pauses::resume(writer.link(), processor))
    }
}

/// Alerts.
impl State {
    /// Records what alerts tell, all of it or nothing.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn change_alerts(&self, changes: &AlertChanges, now: Timestamp) -> Result<()> {
        self.open.write(|writer| alerts::change(writer.link(), changes, now))
    }

    /// Records that the webhook took an alert.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn alert_delivered(&self, key: &str, now: Timestamp) -> Result<()> {
        self.open.write(|writer| alerts::deliver(writer.link(), key, now))
    }
}

/// The audit log.
impl State {
    /// Records an action in the audit log.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn audit(&self, record: &AuditRecord) -> Result<()> {
        self.open.write_noted(|writer| audit::append(writer.link(), record))
    }

    /// Records a run in the audit log and for the schedule.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn audit_run(&self, processor: &ProcessorName, run: &AuditRecord) -> Result<()> {
        self.open
            .write_noted(|writer| audit::append_run(writer.link(), processor, run))
    }

    /// Removes the entries of the audit log from before a time; returns their number.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn prune_audit_log(&self, before: Timestamp) -> Result<usize> {
        self.open.write(|writer| audit::prune(writer.link(), before))
    }
}

/// Corrections.
impl State {
    /// Marks the selected sessions of a processor for reprocessing. Their rows stay until then. Returns what was marked.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn reprocess(&self, processor: &ProcessorName, filter: &ReprocessFilter) -> Result<Marked> {
        self.open
            .write(|writer| reprocessing::mark(writer.link(), processor, filter))
    }

    /// Begins to forget a user (`alice`, as recorded or as the folder's name) or one session (`alice/3f2c.jsonl`): gives
    /// what is known of the subject, and the transaction in which it is forgotten.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn begin_forgetting(&self, user_or_session: &str) -> Result<(Forgetting, Transaction)> {
        deletion::begin(&self.open, user_or_session)
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
        deletion::end(&self.open, &self.purging, forgetting, transaction, taken_back, wish)
    }

    /// Rewrites the state file without the forgotten data, if that is due.
    ///
    /// # Errors
    /// When its file is gone, or the state cannot be written or copied. The state is unchanged then, and the purge
    /// stays due.
    pub fn purge(&self, wish: PurgeWish) -> Result<Purged> {
        self.purging.purge(&self.open, wish)
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
        self.open.connect().map(Reader::of)
    }
}

/// Health, and the upkeep of the file.
impl State {
    /// Why the state is closed, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<StateError> {
        self.open.closed()
    }

    /// Why the state cannot be written, if it cannot. Takes only a lock that is held for moments.
    #[must_use]
    pub fn ailment(&self) -> Option<Ailment> {
        self.open.ailment()
    }

    /// Notes an error if it shows that the state cannot be written.
    pub fn note(&self, error: &StateError) {
        self.open.note(error);
    }

    /// Transfers the WAL into the file.
    ///
    /// # Errors
    /// When the state is closed, a transaction is open, or the disk is full.
    pub fn checkpoint(&self) -> Result<()> {
        self.open.checkpoint()
    }

    /// Transfers the WAL into the file, unless it holds so little that the next open may as well replay it.
    ///
    /// # Errors
    /// As above.
    pub fn checkpoint_unless_small(&self) -> Result<()> {
        self.open.checkpoint_unless_small()
    }

    /// Transfers the WAL into the file if it has grown large. If a transaction is open, waits for the next time.
    pub fn checkpoint_if_due(&self) {
        self.open.checkpoint_if_due();
    }

    /// Transfers schema changes from the WAL into the file, because replaying them may fail. If a transaction is open,
    /// waits for the next time.
    pub fn settle_schema(&self) {
        self.open.settle_schema();
    }

    /// Reopens a closed state, once nothing holds a connection to the failed instance.
    pub fn mend(&self) -> Mended {
        self.open.mend()
    }

    /// Like [`mend`](Self::mend). If the state is open, tries again what failed.
    pub fn recover(&self) -> Mended {
        self.open.recover()
    }
}

#[cfg(test)]
impl State {
    /// The underlying state, for tests that break it.
    pub(super) fn open_state(&self) -> &OpenState {
        &self.open
    }
}

#[cfg(test)]
mod tests;
