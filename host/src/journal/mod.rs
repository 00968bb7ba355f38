//! The journal of crashes: which plugin ended the host, and at what.
//!
//! A plugin that runs in this process can end it: by a fault, an abort, an overflow of the stack, a call of `exit`. So each
//! thread notes in a mapped file what it is about to do in a plugin ([`enter`]) and clears the note when the plugin returns. A
//! handler of the fatal signals, or of `exit`, marks the note of its thread. The next start reads the file
//! ([`Journal::open`]):
//!
//! - A marked note is a [`Crash`]: the host records a failure of that session, and the content of that plugin's file goes into
//!   the list of [`Isolated`] plugins.
//! - A note without a mark is a suspect ([`suspects`]): something killed the host, or a plugin called `_exit`, which nothing
//!   in the process can see.
//!
//! # Threads
//! The process has one journal, as it has one set of signal handlers. Threads write different slots, without a lock.

mod current;
mod ending;
mod exits;
mod isolated;
mod left;
mod pages;
mod signals;
mod slot;
mod suspects;
mod work;

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use rustix::fs::{FlockOperation, flock};

pub use current::{AtStage, Entered, at, enter};
pub use ending::{Crash, Ending};
pub use isolated::{FILE as ISOLATED_FILE, Isolated};
pub use slot::Stage;
pub use suspects::Suspects;
pub use work::{AttemptOf, LeftAttempt, Plugin, Work};

use crate::folders::make_private;
use ending::signal_name;
use left::Found;
use pages::{Pages, read_used};
use suspects::SuspectCount;

/// The file's name in the data directory.
const FILE: &str = "crash-journal";

/// The journal of this process, once it has begun.
static RUNNING: OnceLock<Running> = OnceLock::new();

/// A journal that threads write to.
struct Running {
    pages: &'static Pages,
    suspects: SuspectCount,
    data: PathBuf,
    /// The process that writes it: a child that a plugin forked does not.
    process: u32,
    /// Locked for as long as the process lives.
    _file: File,
}

/// Whether this process keeps its journal already.
#[must_use]
pub fn has_begun() -> bool {
    running().is_some()
}

fn running() -> Option<&'static Running> {
    RUNNING.get()
}

/// A journal that cannot be kept. The host goes on without it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be opened, read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        r#source: io::Error,
    },
    /// It is a folder, a pipe or a device.
    #[error("{} is no regular file: remove it", .0.display())]
    NoFile(PathBuf),
    /// Another process keeps it.
    #[error("another process keeps {}: give each host a data directory of its own", .0.display())]
    InUse(PathBuf),
}

/// The journal in a data directory, with what an earlier process left in it.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    found: Found,
}

impl Journal {
    /// Opens the journal in a data directory, and reads what is in it.
    ///
    /// # Errors
    /// When it cannot be opened or read, or another process keeps it.
    pub fn open(data: &Path) -> Result<Self, JournalError> {
        let path = data.join(FILE);
        let failed = |doing| {
            let path = path.clone();
            move |source| JournalError::File { doing, path, source }
        };
        // The state may lie elsewhere, and nothing else has made the data directory yet.
        let file = make_private(data).and_then(|()| open(&path)).map_err(failed("open"))?;
        if !file.metadata().map_err(failed("open"))?.is_file() {
            return Err(JournalError::NoFile(path));
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(JournalError::InUse(path)),
            Err(error) => return Err(failed("lock")(error.into())),
        }
        let found = Found::read(&read_used(&file).map_err(failed("read"))?);
        if found.is_foreign {
            tracing::warn!(
                "{} is no journal of this version: the host begins a new one",
                path.display()
            );
        }
        Ok(Self { path, file, found })
    }

    /// The plugins that ended the earlier process.
    #[must_use]
    pub fn crashes(&self) -> &[Crash] {
        &self.found.crashes
    }

    /// What else there is to say about the end of the earlier process.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let stray = self.found.stray.map(|signal| {
            let signal = signal_name(signal);
            format!(
                "{signal} ended the last host on a thread that was in no call of a plugin: a plugin's own thread, or the host, is to blame"
            )
        });
        let suspects = match self.found.suspects.len() {
            0 => None,
            count => Some(format!(
                "an earlier host ended while calls of plugins were in flight ({count}), and none of them is known to be to blame: it was killed, or a plugin called `_exit` or has a faulty thread"
            )),
        };
        stray.into_iter().chain(suspects).collect()
    }

    /// Begins the journal of this process, with the suspects alone. What else an earlier process left must be recorded by now.
    ///
    /// # Errors
    /// When the file cannot be written or mapped.
    pub fn begin(self) -> Result<(), JournalError> {
        let data = self.path.parent().unwrap_or(Path::new(".")).to_owned();
        let pages = Pages::map(&self.file).map_err(|source| JournalError::File {
            doing: "write",
            path: self.path,
            source,
        })?;
        let suspects = SuspectCount::default();
        suspects.keep(&pages.slots, &self.found.suspects);
        let begun = RUNNING.set(Running {
            pages,
            suspects,
            data,
            process: std::process::id(),
            _file: self.file,
        });
        // A second host in one process, as tests make it, goes without.
        if begun.is_ok() {
            signals::install();
            exits::install();
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

/// Notes that the process has ended its work: what is still in a plugin then is no suspect at the next start.
pub fn close() {
    if let Some(running) = running() {
        running.pages.close();
    }
}

/// Lets a plugin run in worker processes from the next start on. Without a journal, nothing is noted.
pub fn isolate(plugin: &Plugin, reason: &str) {
    let Some(running) = running() else { return };
    if let Err(error) = Isolated::read(&running.data).note(plugin, reason) {
        tracing::error!(
            file = &*plugin.file,
            "cannot note that the plugin must run in worker processes: {error}"
        );
    }
}

/// What ran in plugins when an earlier process ended without a reason.
#[must_use]
pub fn suspects() -> Suspects<'static> {
    Suspects {
        found: running().map(|running| (&running.suspects, &running.pages.slots[..])),
    }
}
