//! What can go wrong with the state file.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{database_error::DatabaseError, trouble::Trouble};

/// A result whose error is [`StateError`].
pub type Result<T, E = StateError> = std::result::Result<T, E>;

/// What went wrong with the state file, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process has the file open.
    #[error(
        "the state file {} is in use by {holder}; one process at a time can open it: wait until that one ends, or name another file with --state",
        path.display()
    )]
    InUse {
        /// The state file.
        path: PathBuf,
        /// Who has it, as far as DuckDB tells.
        holder: String,
    },
    /// The file is something else.
    #[error(
        "{} is not a DuckDB database: name the state file with --state; if it was one, restore a backup, or move it away with its .wal and .before-checkpoint files, and `session-host run` makes a new one from the transcripts that are still there",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file, or what lies beside it under its name, is a pipe, a device or a folder.
    #[error("{} is no regular file: name the state file with --state, or move this one away", path.display())]
    NotAFile {
        /// What is no file.
        path: PathBuf,
    },
    /// What lies beside the state file under its name is a link.
    #[error("{} is a symbolic link, which the host never makes: remove it, or name the state file itself with --state", path.display())]
    IsALink {
        /// The link.
        path: PathBuf,
    },
    /// There is no file yet.
    #[error("there is no state file {} yet: `session-host run` makes it", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The file of an open state is not there any more.
    #[error(
        "the state file {} is gone: mount the volume that it is on, or put it back with its .wal and .before-checkpoint files; the service then goes on by itself",
        path.display()
    )]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// The file was written by a newer version.
    #[error(
        "the state file {} has schema {found}, this session-host knows schemas up to {known}; nothing was changed: use the newer version that wrote it",
        path.display()
    )]
    NewerSchema {
        /// The state file.
        path: PathBuf,
        /// The schema that it has.
        found: u32,
        /// The newest schema that this version knows.
        known: u32,
    },
    /// This user may not open the file.
    #[error("the state file {} may not be opened by this user: run as the user that the service runs as", path.display())]
    Forbidden {
        /// The state file.
        path: PathBuf,
    },
    /// The file cannot be opened for another reason.
    #[error(
        "cannot open the state file {}: {source}; name another file with --state, or restore a backup",
        path.display()
    )]
    Open {
        /// The state file.
        path: PathBuf,
        /// What DuckDB says.
        r#source: DatabaseError,
    },
    /// Something is wrong with the state as a whole, or with its disk.
    #[error("{doing}: {said}; {trouble}")]
    Troubled {
        /// What was being done.
        doing: String,
        /// What DuckDB says.
        said: String,
        /// What is wrong.
        trouble: Trouble,
    },
    /// DuckDB takes no more statements: the file is to be opened anew.
    #[error("the state is closed until the service reopens it: {why}")]
    Closed {
        /// What happened, and what to do.
        why: String,
    },
    /// The lock that outlives the file cannot be taken.
    #[error("cannot lock the state with {}: {source}", lock.display())]
    Lock {
        /// The lock's file.
        lock: PathBuf,
        /// What the system says.
        r#source: std::io::Error,
    },
    /// A purge cannot write beside the state.
    #[error("cannot purge the state with {}: {source}; its file still holds what was forgotten", copy.display())]
    Purge {
        /// What is written beside it.
        copy: PathBuf,
        /// What the system says.
        r#source: std::io::Error,
    },
    /// A copy of the state is not what the state is.
    #[error(
        "the copy of the state without what was forgotten differs in its {what}: the state stays as it was, and its file still holds what was forgotten"
    )]
    CopyDiffers {
        /// What is not the same.
        what: String,
    },
    /// The folder of the file cannot be made or written.
    #[error(
        "cannot write to the folder of the state {}: {source}; run as the user that the service runs as, or let this user write there",
        path.display()
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        r#source: std::io::Error,
    },
    /// The backup of what a checkpoint overwrites cannot be saved, or cannot be restored.
    #[error(
        "cannot save or restore the checkpoint backup {}: {source}; make sure that its folder can be written and that the disk has room",
        backup.display()
    )]
    Checkpoint {
        /// The backup.
        backup: PathBuf,
        /// What the system says.
        r#source: std::io::Error,
    },
    /// A statement failed.
    #[error("{doing}: {source}")]
    Statement {
        /// What was being done.
        doing: &'static str,
        /// What DuckDB says.
        r#source: DatabaseError,
    },
    /// The place where an older table would be moved to is taken.
    #[error(
        "a table `{table}` of an older system is in the way, and `legacy_{table}` exists already: rename or drop one of them"
    )]
    LegacyTaken {
        /// The table.
        table: String,
    },
    /// Rows do not fit together.
    #[error("cannot put the rows of a commit together: {reason}")]
    Batch {
        /// What does not fit.
        reason: String,
    },
    /// A transaction ended without an error, but what it wrote is not there.
    #[error("{doing}: the database acknowledged the commit, but {missing} of its rows are missing")]
    Lost {
        /// What was being done.
        doing: &'static str,
        /// How many rows.
        missing: i64,
    },
}

/// Says what was being done when a statement failed.
pub(crate) trait Doing<T> {
    /// Turns a failed statement into a [`StateError`].
    fn doing(self, doing: &'static str) -> Result<T>;
}

impl<T> Doing<T> for duckdb::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T> {
        self.map_err(|source| StateError::of_statement(doing, source.into()))
    }
}

impl StateError {
    /// A failed statement, and whether it or the state is to blame.
    pub(super) fn of_statement(doing: &'static str, source: DatabaseError) -> Self {
        match source.trouble() {
            Some(trouble) => Self::Troubled {
                doing: doing.to_owned(),
                said: source.to_string(),
                trouble,
            },
            None => Self::Statement { doing, source },
        }
    }

    /// A folder that cannot be made or written, and whether its disk is to blame.
    pub(super) fn of_folder(folder: &Path, source: io::Error) -> Self {
        match Trouble::of_system(&source) {
            Some(trouble) => Self::Troubled {
                doing: format!("cannot write to the folder of the state {}", folder.display()),
                said: source.to_string(),
                trouble,
            },
            None => Self::Folder {
                path: folder.to_owned(),
                source,
            },
        }
    }

    /// Whether another transaction wrote the same rows.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Statement { source, .. } if source.is_conflict())
    }

    /// Whether the state or its disk failed, and not what was asked for. A file that a query names and that is not there is
    /// an I/O error to DuckDB, too.
    #[must_use]
    pub fn is_of_the_disk(&self) -> bool {
        let names_no_file = matches!(self, Self::Statement { source, .. } if source.names_no_file());
        self.is_fatal() && !names_no_file
    }

    /// Whether the same would happen to every other statement: nobody's SQL or session is to blame.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Statement { source, .. } => source.is_fatal(),
            Self::Lost { .. } | Self::Troubled { .. } | Self::Closed { .. } | Self::Gone { .. } => true,
            Self::Checkpoint { source, .. }
            | Self::Folder { source, .. }
            | Self::Lock { source, .. }
            | Self::Purge { source, .. } => Trouble::of_system(source).is_some(),
            _ => false,
        }
    }

    /// Whether the state cannot be used, and will not mend by itself: a restart meets the same.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::InUse { .. }
            | Self::NotADatabase { .. }
            | Self::NotAFile { .. }
            | Self::IsALink { .. }
            | Self::NewerSchema { .. }
            | Self::Forbidden { .. }
            | Self::LegacyTaken { .. }
            | Self::Open { .. } => true,
            Self::Troubled { trouble, .. } => *trouble == Trouble::Damaged,
            Self::Checkpoint { source, .. } | Self::Folder { source, .. } | Self::Lock { source, .. } => {
                source.kind() == io::ErrorKind::PermissionDenied
            }
            Self::Missing { .. }
            | Self::Gone { .. }
            | Self::Purge { .. }
            | Self::CopyDiffers { .. }
            | Self::Closed { .. }
            | Self::Statement { .. }
            | Self::Batch { .. }
            | Self::Lost { .. } => false,
        }
    }
}
