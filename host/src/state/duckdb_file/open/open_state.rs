//! A state file that only this process has open, and whether it accepts statements.
//!
//! After a fault of its disk, DuckDB rejects every statement until the file is reopened. So the host then closes the
//! state: it hands out no more connections, and [`recovery`](super::recovery) reopens it once the last one is gone.
//!
//! # Threads
//! Any thread may use it. There is one writer, under a lock that a write holds until it has ended. Readers and attempts
//! have connections of their own, and DuckDB isolates them. Each user holds the open file by an `Arc`, so the lock on
//! `standing` is held only for a moment, and no other lock is taken meanwhile. `mending` is taken before all others. A
//! thread that holds the writer may take the checkpoints; one that holds the checkpoints never takes the writer.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::opened::Opened;
use crate::state::{
    ailment::{Ailing, Ailment, Reach},
    commit::writer::Writer,
    duckdb_file::file::{
        checkpoint::Checkpoints,
        lock::StateLock,
        place::{make_folder, refuse_odd_files, refuse_unwritable_folder},
    },
    engine::{
        instance::{Closing, Link},
        interrupt::Interrupts,
        open::link_to,
    },
    error::{Doing as _, Result, StateError},
    schema::known::KnownSchema,
};

/// A state file that only this process has open.
pub(crate) struct OpenState {
    pub(super) path: PathBuf,
    pub(super) standing: RwLock<Standing>,
    /// One thread at a time closes the state and reopens it.
    pub(super) mending: Mutex<()>,
    pub(super) interrupts: Interrupts,
    pub(super) ailing: Ailing,
    pub(super) has_changed_schema: AtomicBool,
    schema: KnownSchema,
    /// The last field, so that it is dropped last.
    _lock: StateLock,
}

/// Whether the state is open.
pub(super) enum Standing {
    /// It is open.
    Open(Arc<Opened>),
    /// It is closed, and must be reopened.
    Closed(Closed),
}

/// A state that accepts no more statements.
pub(super) struct Closed {
    pub(super) why: String,
    pub(super) since: Instant,
    pub(super) closing: Closing,
    /// Keeps the handle of the file open as long as DuckDB's.
    pub(super) checkpoints: Option<Arc<Mutex<Checkpoints>>>,
}

impl Standing {
    /// A state that accepts no more statements from now on.
    pub(super) fn closed(opened: &Opened, why: String) -> Self {
        Self::Closed(Closed {
            why,
            since: Instant::now(),
            closing: opened.engine.closing(),
            checkpoints: Some(Arc::clone(&opened.checkpoints)),
        })
    }
}

impl OpenState {
    /// Opens the state file, creates it if it does not exist, and migrates its schema. `prepare` gets the file before
    /// DuckDB opens it, when nobody else can have it open.
    ///
    /// # Errors
    /// When another process has it open, it is not a DuckDB database, or a newer version wrote it.
    pub(crate) fn open(path: &Path, prepare: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        make_folder(path)?;
        refuse_unwritable_folder(path)?;
        refuse_odd_files(path)?;
        let lock = StateLock::take(path)?;
        prepare(path)?;
        let (opened, schema) = Opened::open(path)?;
        Ok(Self {
            path: path.to_owned(),
            standing: RwLock::new(Standing::Open(Arc::new(opened))),
            mending: Mutex::default(),
            interrupts: Interrupts::default(),
            ailing: Ailing::default(),
            has_changed_schema: AtomicBool::new(schema.is_changed()),
            schema: schema.known(),
            _lock: lock,
        })
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a further connection to the file.
    ///
    /// # Errors
    /// When the state is closed, or DuckDB cannot connect.
    pub(crate) fn connect(&self) -> Result<Link> {
        let opened = self.opened()?;
        let link = link_to(&opened.engine)?;
        self.probe(&opened, &link)?;
        self.interrupts.keep(&link);
        Ok(link)
    }

    /// Writes through the one writer; waits until no other thread is writing.
    ///
    /// # Errors
    /// When the state is closed, or the work fails.
    pub(crate) fn write<T, E: From<StateError>>(&self, work: impl FnOnce(&Writer) -> Result<T, E>) -> Result<T, E> {
        let opened = self.opened()?;
        let writer = opened.writer();
        let result = work(&writer);
        if result.is_err() {
            // The work's own error says more than that of the probe.
            let _ = self.probe(&opened, writer.link());
        }
        result
    }

    /// Like [`write`](Self::write), and notes for health how it ended.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn write_noted<T>(&self, work: impl FnOnce(&Writer) -> Result<T>) -> Result<T> {
        self.ailing.note_write(self.write(work))
    }

    /// Takes DuckDB's lock on the file again. A statement that somebody else wrote may have opened and closed the file,
    /// which gives up that lock.
    ///
    /// # Errors
    /// When the state is closed, or when another program has taken the lock meanwhile, which closes the state.
    pub(crate) fn hold_lock(&self) -> Result<()> {
        let opened = self.opened()?;
        if opened.checkpoints().take_lock() {
            return Ok(());
        }
        let error = StateError::InUse {
            path: self.path.clone(),
            holder: "another program, which opened it while a statement had given up its lock".to_owned(),
        };
        self.close(&opened, &error);
        Err(error)
    }

    /// Transfers the WAL into the file.
    ///
    /// # Errors
    /// When the state is closed, a transaction is open, or the disk is full.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        let opened = self.opened()?;
        let link = link_to(&opened.engine)?;
        let made = self.ailing.note_checkpoint(opened.checkpoints().make(&link));
        if made.is_err() {
            // The checkpoint's own error says more than that of the probe.
            let _ = self.probe(&opened, &link);
        }
        made
    }

    /// Transfers the WAL into the file if it has grown large. If a transaction is open, waits for the next time.
    pub(crate) fn checkpoint_if_due(&self) {
        let are_due = self.opened().is_ok_and(|opened| opened.checkpoints().are_due());
        if are_due && let Err(error) = self.checkpoint() {
            tracing::debug!(%error, "kept the WAL for now");
        }
    }

    /// Transfers the WAL into the file, unless it holds little and no change of the schema.
    ///
    /// # Errors
    /// As for [`checkpoint`](Self::checkpoint).
    pub(crate) fn checkpoint_unless_small(&self) -> Result<()> {
        let has_changed_schema = self.has_changed_schema.load(Ordering::Relaxed);
        match !has_changed_schema && self.opened()?.checkpoints().can_wait() {
            true => Ok(()),
            false => self.checkpoint(),
        }
    }

    /// Transfers schema changes from the WAL into the file, because replaying them may fail. If a transaction is open,
    /// waits for the next time.
    pub(crate) fn settle_schema(&self) {
        if !self.has_changed_schema.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.checkpoint() {
            tracing::debug!(%error, "kept schema changes in the WAL for now");
            self.note_changed_schema();
        }
    }

    /// What is known of the schema.
    pub(crate) fn schema(&self) -> &KnownSchema {
        &self.schema
    }

    /// Notes for [`settle_schema`](Self::settle_schema) that the schema has changed.
    pub(crate) fn note_changed_schema(&self) {
        self.schema.forget();
        self.has_changed_schema.store(true, Ordering::Relaxed);
    }

    /// Why the state is closed, if it is.
    pub(crate) fn closed(&self) -> Option<StateError> {
        self.opened().err()
    }

    /// Why the state cannot be written, if it cannot. Takes only a lock that is held for moments.
    pub(crate) fn ailment(&self) -> Option<Ailment> {
        self.ailing.told()
    }

    /// Notes an error if it shows that the state cannot be written.
    pub(crate) fn note(&self, error: &StateError) {
        self.ailing.note(error);
    }

    /// The open file.
    pub(super) fn opened(&self) -> Result<Arc<Opened>> {
        match &*self.standing.read().unwrap_or_else(PoisonError::into_inner) {
            Standing::Open(opened) => Ok(Arc::clone(opened)),
            Standing::Closed(closed) => Err(StateError::Closed {
                why: closed.why.clone(),
            }),
        }
    }

    pub(super) fn set_standing(&self, standing: Standing) {
        self.schema.forget();
        *self.standing.write().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Asks the instance whether it accepts statements, and closes the state if it does not.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn probe(&self, opened: &Arc<Opened>, link: &Link) -> Result<()> {
        let probed = link.execute_batch("SELECT 1").doing("check that the state answers");
        if let Err(error @ StateError::Troubled { .. }) = &probed {
            self.close(opened, error);
        }
        probed
    }

    /// Closes the state as far as this thread can: it hands out no more connections, and running statements are
    /// interrupted.
    pub(super) fn close(&self, opened: &Arc<Opened>, error: &StateError) {
        let mut standing = self.standing.write().unwrap_or_else(PoisonError::into_inner);
        let is_open = matches!(&*standing, Standing::Open(open) if Arc::ptr_eq(open, opened));
        if !is_open {
            return;
        }
        *standing = Standing::closed(opened, error.to_string());
        drop(standing);
        self.ailing.begins(error, Reach::All);
        tracing::error!("the state is closed until the host can reopen it: {error}");
        self.interrupts.interrupt();
    }

    /// Closes the state like [`close`](Self::close), for a test.
    #[cfg(test)]
    pub(crate) fn break_down(&self, error: &StateError) {
        if let Ok(opened) = self.opened() {
            self.close(&opened, error);
        }
    }
}

impl Drop for OpenState {
    fn drop(&mut self) {
        if let Err(error) = self.checkpoint() {
            tracing::debug!(%error, "committed data stays in the WAL");
        }
    }
}
