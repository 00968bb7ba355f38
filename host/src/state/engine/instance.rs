//! A DuckDB instance: opens it once, counts its connections, and asks it how many statements a text holds.
//!
//! The crate `duckdb` hides its handles. When it prepares a text, it executes all statements but the last. So the host
//! opens the instance through DuckDB's own interface, which can also count the statements of a text before any is
//! prepared.
//!
//! The tables may lie in the instance itself, or in a database that it attaches. Then the instance cannot say what a
//! statement does, and another one judges for it, which has the same tables without their rows.
//!
//! # Threads
//! DuckDB synchronises an instance itself. Each thread works on a [`Link`] of its own. All share only the connection
//! for parsing, under a lock.

#![allow(unsafe_code, reason = "DuckDB's C interface has no safe wrapper for these calls")]

use std::{
    ffi::{CStr, CString},
    mem::{self, ManuallyDrop},
    ops::Deref,
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use duckdb::{Connection, Error, ffi};

use super::server_work::ServerWork;

/// How a database file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// For reading and writing, by this process alone.
    ReadWrite,
    /// For reading, beside other readers.
    ReadOnly,
}

/// An open DuckDB instance. Clones share it. It is closed with its last clone and its last [`Link`].
#[derive(Clone)]
pub(crate) struct Engine {
    instance: Arc<Instance>,
}

/// A connection to an [`Engine`], which keeps the instance open.
pub(crate) struct Link {
    /// Taken when the link is dropped.
    connection: ManuallyDrop<Connection>,
    engine: Engine,
    tables: Tables,
}

/// Where the tables are that a link reads and writes.
enum Tables {
    /// In the instance.
    Own,
    /// In a database that the instance attaches.
    Attached(Attached),
}

/// What a link to an attached database has in addition.
pub(crate) struct Attached {
    /// The instance that judges statements.
    pub(crate) judge: Engine,
    /// Takes the connection when the link is dropped.
    pub(crate) keeper: Arc<dyn Keeper>,
    /// What the server of the database does for the link.
    pub(crate) server: Arc<ServerWork>,
}

/// Takes connections that are used no more.
pub(crate) trait Keeper: Send + Sync {
    /// Takes the only connection to an instance.
    fn take_back(&self, connection: Connection, engine: Engine);
}

/// The link on which statements are judged.
pub(crate) enum Judge<'a> {
    /// The one that executes them.
    Same(&'a Link),
    /// One to an instance that has the same tables, without their rows.
    Other(Link),
}

impl Deref for Judge<'_> {
    type Target = Link;

    fn deref(&self) -> &Link {
        match self {
            Self::Same(link) => link,
            Self::Other(link) => link,
        }
    }
}

/// The handles of an instance.
struct Instance {
    database: ffi::duckdb_database,
    parsing: Mutex<ffi::duckdb_connection>,
    is_closed: Arc<AtomicBool>,
    /// Whether DuckDB has given the instance up in a way that closing it would abort the process.
    is_set_aside: AtomicBool,
}

/// Shows when an instance is closed, without keeping it open.
pub(crate) struct Closing {
    is_closed: Arc<AtomicBool>,
}

impl Closing {
    /// Whether DuckDB has closed the file because nobody has a link to the instance any more.
    pub(crate) fn is_done(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}

// SAFETY: DuckDB synchronises its instance itself, and the connection for parsing is used under its lock alone.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl Engine {
    /// Opens a database file with these options.
    ///
    /// # Errors
    /// When DuckDB cannot open it.
    pub(crate) fn open(path: &Path, access: Access, options: &[(&str, &str)]) -> duckdb::Result<Self> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let mode = match access {
            Access::ReadWrite => "READ_WRITE",
            Access::ReadOnly => "READ_ONLY",
        };
        let mut configuration = Configuration::new()?;
        configuration.set("access_mode", mode)?;
        for (name, value) in options {
            configuration.set(name, value)?;
        }
        let mut database = ptr::null_mut();
        let mut error = ptr::null_mut();
        // SAFETY: the path is a C string, the configuration is alive, and both results are written before they are
        // read.
        let opened = unsafe { ffi::duckdb_open_ext(path.as_ptr(), &mut database, configuration.0, &mut error) };
        if opened != ffi::DuckDBSuccess {
            // SAFETY: DuckDB gives null or a C string that the caller frees, which the wrapper does.
            let message = unsafe { ffi::DuckDbString::from_nullable_ptr(error) };
            return Err(failure(message.map(|message| message.to_string_lossy().into_owned())));
        }
        let mut instance = Instance {
            database,
            parsing: Mutex::new(ptr::null_mut()),
            is_closed: Arc::default(),
            is_set_aside: AtomicBool::new(false),
        };
        let parsing = instance.parsing.get_mut().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the database is open, and the connection is written before it is read.
        match unsafe { ffi::duckdb_connect(database, parsing) } == ffi::DuckDBSuccess {
            true => Ok(Self {
                instance: Arc::new(instance),
            }),
            false => Err(failure(Some("cannot connect to the database".to_owned()))),
        }
    }

    /// Opens a further connection.
    ///
    /// # Errors
    /// When DuckDB cannot connect.
    pub(crate) fn connect(&self) -> duckdb::Result<Link> {
        let connection = self.connection()?;
        Ok(self.link(connection, Tables::Own))
    }

    /// The link of a connection whose tables are in an attached database.
    pub(crate) fn attach(&self, connection: Connection, attached: Attached) -> Link {
        self.link(connection, Tables::Attached(attached))
    }

    fn link(&self, connection: Connection, tables: Tables) -> Link {
        Link {
            connection: ManuallyDrop::new(connection),
            engine: self.clone(),
            tables,
        }
    }

    /// Opens a further connection that is no link yet.
    ///
    /// # Errors
    /// When DuckDB cannot connect.
    pub(crate) fn connection(&self) -> duckdb::Result<Connection> {
        // SAFETY: the instance is open, and whoever has the connection keeps it open with a clone of the engine.
        unsafe { Connection::open_from_raw(self.instance.database) }
    }

    /// How many hold the instance, including this one and every link.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.instance)
    }

    /// Shows when the instance is closed.
    pub(crate) fn closing(&self) -> Closing {
        Closing {
            is_closed: Arc::clone(&self.instance.is_closed),
        }
    }

    /// How many statements DuckDB sees in a text. None of them is prepared or executed.
    ///
    /// # Errors
    /// When DuckDB cannot parse the text.
    pub(crate) fn count_statements(&self, sql: &str) -> duckdb::Result<u64> {
        let sql = CString::new(sql)?;
        let connection = self.instance.parsing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statements = Statements(ptr::null_mut());
        // SAFETY: the connection is open and locked, the text is a C string, and the result is destroyed by its owner.
        let count = unsafe { ffi::duckdb_extract_statements(*connection, sql.as_ptr(), &mut statements.0) };
        match (count, statements.error()) {
            (0, Some(error)) => Err(failure(Some(error))),
            (count, _) => Ok(count),
        }
    }
}

impl Link {
    /// The instance that this is a connection to.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether the tables are in a database that the instance attaches.
    pub(crate) fn is_attached(&self) -> bool {
        matches!(self.tables, Tables::Attached(_))
    }

    /// What the server of the attached database does for this link.
    pub(crate) fn server(&self) -> Option<&Arc<ServerWork>> {
        match &self.tables {
            Tables::Own => None,
            Tables::Attached(attached) => Some(&attached.server),
        }
    }

    /// The link on which statements are judged before this one executes them.
    ///
    /// # Errors
    /// When DuckDB cannot connect.
    pub(crate) fn judge(&self) -> duckdb::Result<Judge<'_>> {
        match &self.tables {
            Tables::Own => Ok(Judge::Same(self)),
            Tables::Attached(attached) => attached.judge.connect().map(Judge::Other),
        }
    }
}

/// Whether a connection still takes statements. After an error inside of it, DuckDB rejects all.
fn is_sound(connection: &Connection) -> bool {
    // If no transaction is open, DuckDB rejects this statement, which does no harm.
    let _ = connection.execute_batch("ROLLBACK");
    connection.execute_batch("SELECT 1").is_ok()
}

impl Deref for Link {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // SAFETY: the link is being dropped, so nobody uses its connection after this.
        let connection = unsafe { ManuallyDrop::take(&mut self.connection) };
        match &self.tables {
            Tables::Own => drop(connection),
            Tables::Attached(attached) if is_sound(&connection) => {
                attached.keeper.take_back(connection, self.engine.clone());
            }
            Tables::Attached(_) => {
                // DuckDB would abort the process if it closed what an extension left in the middle of a COPY.
                self.engine.instance.is_set_aside.store(true, Ordering::Release);
                mem::forget(connection);
            }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.is_set_aside.load(Ordering::Acquire) {
            return;
        }
        let parsing = self.parsing.get_mut().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: nobody else has either handle: every link that used them has been dropped.
        unsafe {
            ffi::duckdb_disconnect(parsing);
            ffi::duckdb_close(&mut self.database);
        }
        self.is_closed.store(true, Ordering::Release);
    }
}

/// The options that an instance is opened with.
struct Configuration(ffi::duckdb_config);

impl Configuration {
    fn new() -> duckdb::Result<Self> {
        let mut configuration = Self(ptr::null_mut());
        // SAFETY: the result is written before it is read.
        match unsafe { ffi::duckdb_create_config(&mut configuration.0) } == ffi::DuckDBSuccess {
            true => Ok(configuration),
            false => Err(failure(None)),
        }
    }

    fn set(&mut self, name: &str, value: &str) -> duckdb::Result<()> {
        let (option, setting) = (CString::new(name)?, CString::new(value)?);
        // SAFETY: the configuration is alive, and both texts are C strings.
        let set = unsafe { ffi::duckdb_set_config(self.0, option.as_ptr(), setting.as_ptr()) };
        match set == ffi::DuckDBSuccess {
            true => Ok(()),
            false => Err(failure(Some(format!("the option {name} does not accept `{value}`")))),
        }
    }
}

impl Drop for Configuration {
    fn drop(&mut self) {
        // SAFETY: the configuration was made by DuckDB, and nobody else has it.
        unsafe { ffi::duckdb_destroy_config(&mut self.0) };
    }
}

/// The statements that DuckDB sees in a text.
struct Statements(ffi::duckdb_extracted_statements);

impl Statements {
    /// Why DuckDB cannot parse the text; `None` if it can.
    fn error(&self) -> Option<String> {
        // SAFETY: DuckDB gives null or a C string that lives as long as the statements.
        let error = unsafe { ffi::duckdb_extract_statements_error(self.0) };
        // SAFETY: as above.
        (!error.is_null()).then(|| unsafe { CStr::from_ptr(error) }.to_string_lossy().into_owned())
    }
}

impl Drop for Statements {
    fn drop(&mut self) {
        // SAFETY: the statements were made by DuckDB, and nobody else has them.
        unsafe { ffi::duckdb_destroy_extracted(&mut self.0) };
    }
}

fn failure(message: Option<String>) -> Error {
    Error::DuckDBFailure(ffi::Error::new(ffi::DuckDBError), message)
}
