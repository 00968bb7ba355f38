//! DuckDB's extension for PostgreSQL cannot be found.

use std::path::{Path, PathBuf};

/// DuckDB's extension for PostgreSQL lies nowhere where the host looks for it.
#[derive(Debug, thiserror::Error)]
#[error(
    "DuckDB's extension for PostgreSQL is missing: there is no {}; install session-host again, run scripts/setup in a clone, or put the extension of DuckDB {version} there",
    paths(.looked_for)
)]
pub struct ExtensionMissing {
    /// The paths at which the host looked.
    pub(in crate::state) looked_for: Vec<PathBuf>,
    /// The version of DuckDB that needs it.
    pub(in crate::state) version: String,
}

fn paths(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| Path::display(path).to_string()).collect();
    paths.join(" and no ")
}
