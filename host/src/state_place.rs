//! Where the state is.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use crate::postgres::PostgresAddress;

/// Where the state is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatePlace {
    /// In a DuckDB file.
    File(PathBuf),
    /// In a PostgreSQL database, which several hosts share.
    Postgres {
        /// The database.
        address: PostgresAddress,
        /// The folders of the host's own files.
        folders: SharedFolders,
    },
}

/// The folders to which a host writes copies of a state that it shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFolders {
    /// The folder that exports are written to.
    pub exports: PathBuf,
    /// The folder of the snapshots, which all hosts share; `None` if there are none.
    pub snapshots: Option<PathBuf>,
}

/// Whether a configured path is meant as the address of a database. What is meant as one and is none must not become a file,
/// whose name might hold a password: so each URL counts, and each list of libpq's keywords.
#[must_use]
pub fn is_address(configured: &Path) -> bool {
    let text = configured.to_string_lossy().to_ascii_lowercase();
    text.contains("://")
        || ["postgres:", "postgresql:"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        || ["password=", "dbname="].iter().any(|keyword| text.contains(keyword))
}

impl StatePlace {
    /// The place as `--state` takes it.
    #[must_use]
    pub fn as_setting(&self) -> OsString {
        match self {
            Self::File(path) => path.clone().into_os_string(),
            Self::Postgres { address, .. } => address.to_string().into(),
        }
    }

    /// The path of the file, if the state is in one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres { .. } => None,
        }
    }

    /// The address of the database, if the state is in one.
    #[must_use]
    pub fn address(&self) -> Option<&PostgresAddress> {
        match self {
            Self::File(_) => None,
            Self::Postgres { address, .. } => Some(address),
        }
    }
}

/// The path, or the address, which has no password.
impl fmt::Display for StatePlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            Self::Postgres { address, .. } => address.fmt(formatter),
        }
    }
}
