//! The errors of the state.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{database_error::DatabaseError, trouble::Trouble};
use crate::postgres::{PostgresAddress, PostgresError};

mod classes;
mod extension_missing;

pub use extension_missing::ExtensionMissing;

/// A result whose error is [`StateError`].
pub type Result<T, E = StateError> = std::result::Result<T, E>;

/// What went wrong with the state, and what to do about it.
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
        /// Who has it open, as far as DuckDB says.
        holder: String,
    },
    /// The file is not a database.
    #[error(
        "{} is not a DuckDB database: name the state file with --state; if it was one, restore a backup, or move it away with its .wal and .before-checkpoint files, and let `session-host run` create a new one from the transcripts that still exist",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file, or a file beside it with its name and an ending, is a pipe, a device or a folder.
    #[error("{} is not a regular file: name the state file with --state, or move this one away", path.display())]
    NotAFile {
        /// The path of the pipe, device or folder.
        path: PathBuf,
    },
    /// A file beside the state file, with its name and an ending, is a link.
    #[error("{} is a symbolic link, which the host never creates: remove it, or name the state file itself with --state", path.display())]
    IsALink {
        /// The link.
        path: PathBuf,
    },
    /// The file does not exist yet.
    #[error("there is no state file {} yet: `session-host run` creates it", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The database holds no state yet.
    #[error(
        "there is no state at {address} yet: `session-host run` creates it, or `session-host copy-state` copies one there"
    )]
    MissingShared {
        /// The database.
        address: String,
    },
    /// The file of an open state no longer exists.
    #[error(
        "the state file {} is gone: mount the volume that it is on, or put it back with its .wal and .before-checkpoint files; the service then continues by itself",
        path.display()
    )]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// The file was written by a newer version.
    #[error(
        "the state file {} has schema {found}, but this session-host knows schemas only up to {known}; nothing was changed: use the newer version that wrote it",
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
    /// A newer version migrated the shared state.
    #[error(
        "the state {address} has schema {found}, but this session-host knows schemas only up to {known}; nothing was changed: use the newer version that migrated it"
    )]
    NewerSharedSchema {
        /// The database.
        address: String,
        /// The schema that it has.
        found: u32,
        /// The newest schema that this version knows.
        known: u32,
    },
    /// The database cannot be attached.
    #[error("cannot open the state {address}: {reason}; check the address, the role and its password file")]
    Unattached {
        /// The database.
        address: String,
        /// What PostgreSQL says.
        reason: String,
    },
    /// PostgreSQL cannot be reached, or does not let this host keep a state there.
    #[error("cannot open the state: {0}")]
    NotAdmitted(Box<PostgresError>),
    /// DuckDB's extension for PostgreSQL is missing.
    #[error("cannot open the state {address}: {source}")]
    NoExtension {
        /// The database.
        address: String,
        /// Where the host looked.
        r#source: ExtensionMissing,
    },
    /// This host lost the leases of what it wanted to commit.
    #[error(
        "cannot commit sessions of `{processor}`: other hosts have taken over the work of this one, because it did not renew its leases; nothing was committed, and the host joins again by itself"
    )]
    Fenced {
        /// The processor.
        processor: String,
    },
    /// Another host has migrated the tables since the run began.
    #[error(
        "cannot commit sessions of `{processor}`: another host has migrated its tables to version {recorded} since the run began, and this host's plugin knows version {prepared}; nothing was committed; install the same plugin on all hosts and reload"
    )]
    MigratedMeanwhile {
        /// The processor.
        processor: String,
        /// The version of the tables.
        recorded: i64,
        /// The version for which this host prepared them.
        prepared: u32,
    },
    /// Somebody was forgotten since the run began, which may have read their transcripts before.
    #[error(
        "cannot commit sessions of `{processor}`: a user or session was forgotten since the run began; nothing was committed, and the next run goes on with the transcripts that are left"
    )]
    ForgottenMeanwhile {
        /// The processor.
        processor: String,
    },
    /// A snapshot cannot be written or read.
    #[error(
        "cannot write or read the snapshot {}: {source}; make sure that all hosts can read and write its folder, and that its disk has room",
        path.display()
    )]
    Snapshot {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        r#source: std::io::Error,
    },
    /// The state row of a session has changed since its attempt began, whose statements must not be committed again.
    #[error(
        "cannot commit the attempt at {session}: its state has changed since the run chose it, such as by a commit whose answer was lost; nothing was committed, and the next run goes on"
    )]
    Recorded {
        /// The session.
        session: String,
    },
    /// Something that the state records cannot be read.
    #[error("cannot read {what}: {reason}; restore the state from a backup")]
    Unreadable {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// Other hosts change the schema so often that no instance has the present one.
    #[error(
        "cannot connect to the state: other hosts change its schema again and again; try again once they have migrated it"
    )]
    SchemaInFlux,
    /// A snapshot has other tables than the state.
    #[error("the snapshot does not fit the state: {reason}; the next one fits")]
    SnapshotOutdated {
        /// What differs.
        reason: String,
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
    #[error("cannot {doing}: {said}; {trouble}")]
    Troubled {
        /// What the host was doing.
        doing: String,
        /// What DuckDB says.
        said: String,
        /// What is wrong.
        trouble: Trouble,
    },
    /// DuckDB accepts no more statements until the file is reopened.
    #[error("the state is closed until the service reopens it: {why}")]
    Closed {
        /// What happened, and what to do.
        why: String,
    },
    /// The lock that outlives the file could not be taken.
    #[error("cannot lock the state with {}: {source}", lock.display())]
    Lock {
        /// The lock file.
        lock: PathBuf,
        /// What the system says.
        r#source: std::io::Error,
    },
    /// A copy of the state could not be written, or the mark that one is due.
    #[error("cannot write {} for a copy of the state: {source}", copy.display())]
    Copy {
        /// The file.
        copy: PathBuf,
        /// What the system says.
        r#source: std::io::Error,
    },
    /// A copy of the state differs from the state.
    #[error("the copy of the state differs in its {what}: the state is unchanged")]
    CopyDiffers {
        /// What differs.
        what: String,
    },
    /// The folder of the file could not be created or written.
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
    /// The backup of what a checkpoint overwrites could not be saved or restored.
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
    #[error("cannot {doing}: {source}")]
    Statement {
        /// What the host was doing.
        doing: &'static str,
        /// What DuckDB says.
        r#source: DatabaseError,
    },
    /// The new name for an older table is taken.
    #[error(
        "a table `{table}` of an older system is in the way, and `legacy_{table}` exists already: rename or drop one of them"
    )]
    LegacyTaken {
        /// The table.
        table: String,
    },
    /// Rows do not fit together.
    #[error("cannot assemble the rows of a commit: {reason}")]
    Batch {
        /// What does not fit.
        reason: String,
    },
    /// A commit was acknowledged, but its rows are missing.
    #[error("cannot {doing}: the database acknowledged the commit, but {missing} of its rows are missing")]
    Lost {
        /// What the host was doing.
        doing: &'static str,
        /// How many rows.
        missing: i64,
    },
}

/// Adds to a failed statement what the host was doing.
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
    /// There is no state in the database at this address.
    pub(super) fn missing_at(address: &PostgresAddress) -> Self {
        Self::MissingShared {
            address: address.to_string(),
        }
    }

    /// The error for a failed statement. It tells whether the statement or the state is to blame.
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

    /// The error for a folder that cannot be created or written. It tells whether the disk is to blame.
    pub(super) fn of_folder(folder: &Path, source: io::Error) -> Self {
        match Trouble::of_system(&source) {
            Some(trouble) => Self::Troubled {
                doing: format!("write to the folder of the state {}", folder.display()),
                said: source.to_string(),
                trouble,
            },
            None => Self::Folder {
                path: folder.to_owned(),
                source,
            },
        }
    }
}
