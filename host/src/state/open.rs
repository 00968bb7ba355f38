//! Opening the state file.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::fs::access;

use super::{
    checkpoint::{Checkpoints, files_of, put_back},
    copy,
    engine::{Access, Engine, Link},
    error::{Doing, Result, StateError},
    files::folder_of,
    interrupt::Interrupts,
    lock::StateLock,
    query::Reader,
    schema,
    standing::{Ailment, Standing},
    trouble::Trouble,
    writer::Writer,
};
use crate::folders::make_private;

/// The state file, opened by this process alone.
pub struct State {
    pub(super) path: PathBuf,
    pub(super) standing: RwLock<Standing>,
    /// One at a time closes the state and opens it anew.
    pub(super) mending: Mutex<()>,
    pub(super) interrupts: Interrupts,
    /// What keeps it from being written, for whoever asks without waiting.
    pub(super) ailment: Mutex<Option<Ailment>>,
    /// Why a purge that is due was not made, where one waits.
    pub(super) purge_waits: Mutex<Option<String>>,
    pub(super) has_changed_schema: AtomicBool,
    /// Behind all else, so that it is given up last.
    _lock: StateLock,
}

/// What is open of a state file.
pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) writer: Mutex<Writer>,
    /// Kept by whoever waits for the engine to be closed: they have the file open, and closing it gives up DuckDB's lock.
    pub(super) checkpoints: Arc<Mutex<Checkpoints>>,
}

impl Opened {
    /// Opens the state file; tells whether its schema was brought up to date.
    pub(super) fn open(path: &Path) -> Result<(Self, bool)> {
        put_back(path)?;
        let engine = open_or_make(path)?;
        let checkpoints = Checkpoints::of(path)?;
        let link = link_to(&engine)?;
        confine(&link, path)?;
        let has_changed = schema::bring_up_to_date(&link, path)?;
        let opened = Self {
            engine,
            writer: Mutex::new(Writer::new(link)?),
            checkpoints: Arc::new(Mutex::new(checkpoints)),
        };
        Ok((opened, has_changed))
    }
}

impl State {
    /// Opens the state file that there is, as [`open`](Self::open) does.
    ///
    /// # Errors
    /// When there is none, and as above.
    pub fn open_existing(path: &Path) -> Result<Self> {
        refuse_missing(path)?;
        Self::open(path).inspect(Self::settle_schema)
    }

    /// Opens the state file, makes it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// When another process has it open, it is no DuckDB database, or a newer version wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        make_folder(path)?;
        refuse_unwritable_folder(path)?;
        refuse_odd_files(path)?;
        let lock = StateLock::take(path)?;
        copy::remove_leftovers(path)?;
        let (opened, has_changed) = Opened::open(path)?;
        let state = Self {
            path: path.to_owned(),
            standing: RwLock::new(Standing::Open(Arc::new(opened))),
            mending: Mutex::default(),
            interrupts: Interrupts::default(),
            ailment: Mutex::default(),
            purge_waits: Mutex::default(),
            has_changed_schema: AtomicBool::new(has_changed),
            _lock: lock,
        };
        state.purge_at_start();
        Ok(state)
    }

    /// Where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A further connection to the file.
    ///
    /// # Errors
    /// When the state is closed, or DuckDB gives none.
    pub(super) fn connect(&self) -> Result<Link> {
        let opened = self.opened()?;
        let link = link_to(&opened.engine)?;
        self.probe(&opened, &link)?;
        self.interrupts.keep(&link);
        Ok(link)
    }

    /// A further connection, for reading.
    ///
    /// # Errors
    /// When the state is closed, or DuckDB gives none.
    pub fn reader(&self) -> Result<Reader> {
        self.connect().map(Reader::of)
    }

    /// Makes a folder for an export, named by the time.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new_export_folder(&self) -> Result<PathBuf> {
        let name = crate::clock::text_of(crate::clock::now()).replace(':', "-");
        let folder = exports_of(&self.path).join(name);
        let made = fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
        made.map_err(|source| StateError::Folder { path: folder, source })
    }

    /// Writes through the one writer; waits until no other run is committing.
    ///
    /// # Errors
    /// When the state is closed, and what the work gives.
    pub fn write<T, E: From<StateError>>(&self, work: impl FnOnce(&Writer) -> Result<T, E>) -> Result<T, E> {
        let opened = self.opened()?;
        let writer = opened.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&writer);
        if result.is_err() {
            // The work's own error tells more than that of the probe.
            let _ = self.probe(&opened, writer.link());
        }
        result
    }

    /// Keeps other programs from opening the file: a statement that someone else wrote may have opened and closed it, which
    /// gives up DuckDB's lock on it.
    ///
    /// # Errors
    /// When the state is closed, or another program has taken the lock meanwhile: it is closed then.
    pub fn hold_lock(&self) -> Result<()> {
        let opened = self.opened()?;
        if checkpoints_of(&opened).take_lock() {
            return Ok(());
        }
        let error = StateError::InUse {
            path: self.path.clone(),
            holder: "another program, which opened it while a statement had given up its lock".to_owned(),
        };
        self.close(&opened, &error);
        Err(error)
    }

    /// Writes the log of changes into the file proper.
    ///
    /// # Errors
    /// When the state is closed, a transaction is open, or the disk is full.
    pub fn checkpoint(&self) -> Result<()> {
        let opened = self.opened()?;
        let link = link_to(&opened.engine)?;
        let made = self.note_checkpoint(checkpoints_of(&opened).make(&link));
        if made.is_err() {
            // The checkpoint's own error tells more than that of the probe.
            let _ = self.probe(&opened, &link);
        }
        made
    }

    /// Does so when the log of changes has grown large. Where a transaction is open this waits for the next time.
    pub fn checkpoint_if_due(&self) {
        let are_due = self.opened().is_ok_and(|opened| checkpoints_of(&opened).are_due());
        if are_due && let Err(error) = self.checkpoint() {
            tracing::debug!(%error, "the log of changes stays as it is for now");
        }
    }

    /// Leaves no change of the schema in the log of changes, which may fail to replay over one. Where a transaction is
    /// open this waits for the next time.
    pub fn settle_schema(&self) {
        if !self.has_changed_schema.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.checkpoint() {
            tracing::debug!(%error, "changes of the schema stay in the log of changes for now");
            self.note_changed_schema();
        }
    }

    /// Lets [`settle_schema`](Self::settle_schema) know that the schema has changed.
    pub(super) fn note_changed_schema(&self) {
        self.has_changed_schema.store(true, Ordering::Relaxed);
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Err(error) = self.checkpoint() {
            tracing::debug!(%error, "what is committed stays in the log of changes");
        }
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

fn checkpoints_of(opened: &Opened) -> MutexGuard<'_, Checkpoints> {
    opened.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder that may not be looked into may well hold the file: opening it tells.
pub(super) fn refuse_missing(path: &Path) -> Result<()> {
    match path.try_exists() {
        Ok(false) => Err(StateError::Missing { path: path.to_owned() }),
        Ok(true) | Err(_) => Ok(()),
    }
}

/// Refuses to go on where the file of an open state is gone: what opened its path would make an empty state.
pub(super) fn refuse_gone(path: &Path) -> Result<()> {
    match path.try_exists() {
        Ok(false) => Err(StateError::Gone { path: path.to_owned() }),
        Ok(true) | Err(_) => Ok(()),
    }
}

/// Refuses what is no file in the place of the state or of what belongs to it: a pipe would be waited for, and a device
/// would be written to. The state itself may be a link, what lies beside it may not.
pub(super) fn refuse_odd_files(path: &Path) -> Result<()> {
    let [state, beside @ ..] = files_of(path);
    // What cannot be looked at is told by whoever opens it.
    if fs::metadata(&state).is_ok_and(|found| !found.is_file()) {
        return Err(StateError::NotAFile { path: state });
    }
    for file in beside {
        match fs::symlink_metadata(&file) {
            // Whoever made it would have the host write, or make, a file elsewhere.
            Ok(found) if found.is_symlink() => return Err(StateError::IsALink { path: file }),
            Ok(found) if !found.is_file() => return Err(StateError::NotAFile { path: file }),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    make_private(folder).map_err(|source| StateError::Folder {
        path: folder.to_owned(),
        source,
    })
}

/// Without the right to write there, neither the log of changes nor the copy of a checkpoint can be made: said at once,
/// since what DuckDB says of it later tells of something else.
fn refuse_unwritable_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    access(folder, rustix::fs::Access::WRITE_OK).map_err(|error| StateError::of_folder(folder, error.into()))
}

/// Opens a database file; extensions are never fetched.
pub(super) fn open_engine(path: &Path, access: Access) -> Result<Engine> {
    /// Queries of others share it with the runs: one that wants more fails, in place of the machine.
    const MEMORY: &str = "2GB";
    /// How much of it all may be set aside on the disk.
    const TEMPORARY_FILES: &str = "10GB";
    let mut options = vec![
        ("max_memory", MEMORY),
        ("max_temp_directory_size", TEMPORARY_FILES),
        // It computes constants before a query runs, where DuckDB's limit does not count them: `repeat('x', 2000000000)`.
        ("disabled_optimizers", "expression_rewriter"),
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
    ];
    if access == Access::ReadWrite {
        // Attempts use the cores already: for what the host writes, DuckDB's own threads spin longer than they work.
        // Checkpoints are the host's to make.
        options.extend([("threads", "1"), ("checkpoint_threshold", "1TB")]);
    }
    let engine = Engine::open(path, access, &options).map_err(|source| open_error(path, source))?;
    let link = link_to(&engine)?;
    // Only ICU knows of time zones, which a DuckDB that was compiled in does not have: it has no other zone then.
    let _ = link.execute_batch("SET GLOBAL TimeZone = 'UTC'");
    let closing = "leave checkpoints to the host";
    link.execute_batch("PRAGMA disable_checkpoint_on_shutdown")
        .doing(closing)?;
    Ok(engine)
}

/// A further connection to an instance.
pub(super) fn link_to(engine: &Engine) -> Result<Link> {
    engine.connect().doing("connect to the state")
}

/// As [`lock`], but for the folder of exports.
fn confine(link: &Link, path: &Path) -> Result<()> {
    let folder = std::path::absolute(exports_of(path)).unwrap_or_else(|_| exports_of(path));
    let folder = folder.to_string_lossy().replace('\'', "''");
    let sql = format!("SET GLOBAL allowed_directories = ['{folder}/']");
    link.execute_batch(&sql).doing("name the folder of exports")?;
    lock(link)
}

/// Lets SQL of an instance reach nothing outside the database, from now on. No statement can change that afterwards, nor
/// any other setting of the instance.
pub(super) fn lock(link: &Link) -> Result<()> {
    let sql = "SET GLOBAL enable_external_access = false; SET GLOBAL lock_configuration = true";
    link.execute_batch(sql).doing("forbid external access")
}

/// Where exports go: the one folder beside the state file that SQL may reach.
pub(super) fn exports_of(path: &Path) -> PathBuf {
    path.with_file_name("exports")
}

fn open_error(path: &Path, source: duckdb::Error) -> StateError {
    let text = source.to_string();
    let path = path.to_owned();
    if text.contains("Could not set lock") || text.contains("Conflicting lock") {
        return StateError::InUse {
            path,
            holder: holder_of(&text),
        };
    }
    if text.contains("not a valid DuckDB database") {
        return StateError::NotADatabase { path };
    }
    if let Some(trouble) = Trouble::of_opening(&text) {
        return StateError::Troubled {
            doing: format!("open the state file {}", path.display()),
            said: text,
            trouble,
        };
    }
    if text.contains("Permission denied") {
        return StateError::Forbidden { path };
    }
    StateError::Open {
        path,
        source: source.into(),
    }
}

/// Who holds the lock, out of DuckDB's "Conflicting lock is held in PROGRAM (PID N)".
fn holder_of(text: &str) -> String {
    text.split_once("lock is held in ")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or_else(|| "another process".to_owned(), |(holder, _)| format!("{holder})"))
}
