//! Why there is no copy of a state.

use std::path::PathBuf;

use crate::{cluster::NoStandstill, postgres::PostgresError, state::error::StateError};

/// Why there is no copy of a state.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Both ends are files, or both are databases.
    #[error(
        "one of the two must be a path and the other an address of PostgreSQL; to copy a file to a file, end session-host and copy the file; to copy a database, use pg_dump"
    )]
    SameKind,
    /// There is nothing to copy.
    #[error("there is no state at {from}: check the address")]
    NoState {
        /// The database.
        from: String,
    },
    /// The target holds something else.
    #[error("{to} has other data, and nothing was changed: name {remedy}")]
    HasData {
        /// The target.
        to: String,
        /// What to name instead.
        remedy: &'static str,
    },
    /// The target is an unfinished copy of another state.
    #[error("{to} has an unfinished copy of {of}: finish that one, or {remedy} and run this again")]
    OtherCopy {
        /// The target.
        to: String,
        /// What it is a copy of.
        of: String,
        /// How to remove it.
        remedy: String,
    },
    /// What lies in the place of an unfinished copy cannot be opened.
    #[error(
        "cannot go on with the unfinished copy {}: {reason}; nothing was changed: run this again, or remove that file, and its .wal, to begin anew",
        copy.display()
    )]
    UnreadableCopy {
        /// The file.
        copy: PathBuf,
        /// What DuckDB says.
        reason: StateError,
    },
    /// PostgreSQL cannot hold everything in the file.
    #[error("PostgreSQL cannot hold this state, and nothing was copied: {}", reasons.join("; "))]
    NotPortable {
        /// The objects, each with the reason.
        reasons: Vec<String>,
    },
    /// Something failed with one table.
    #[error("cannot copy the table `{table}`: {reason}; remedy that, then run this again: it goes on from there")]
    Table {
        /// The table.
        table: String,
        /// What the database says.
        reason: StateError,
    },
    /// The copy is not the same.
    #[error(
        "the copy differs in the table `{table}`, and is no state: {source_rows} rows with the checksum {source_digest} became {rows} rows with the checksum {digest}; PostgreSQL may not hold some of its values as DuckDB does: change or delete these, then run this again"
    )]
    Differs {
        /// The table.
        table: String,
        /// How many rows the source has.
        source_rows: u64,
        /// The checksum of the source.
        source_digest: String,
        /// How many rows the copy has.
        rows: u64,
        /// The checksum of the copy.
        digest: String,
    },
    /// The schema of the copy is not the same.
    #[error("the copy would differ in its {what}: nothing was copied; please report this bug in session-host")]
    SchemaDiffers {
        /// What differs.
        what: String,
    },
    /// The source has a table that no text makes.
    #[error("the table `{table}` at {from} belongs to no state: move it to another schema, then run this again")]
    ForeignTable {
        /// The table.
        table: String,
        /// The source.
        from: String,
    },
    /// Somebody else makes the same copy.
    #[error("another session-host writes the same copy to {to}: wait until that one ends")]
    AtTheSameTime {
        /// The target.
        to: String,
    },
    /// Others write to the source.
    #[error(transparent)]
    NoStandstill(#[from] NoStandstill),
    /// PostgreSQL did not do it.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// One of the states cannot be opened, read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

impl CopyError {
    /// Whether the command must be another one, or one of the two places.
    #[must_use]
    pub fn is_of_usage(&self) -> bool {
        matches!(
            self,
            Self::SameKind
                | Self::NoState { .. }
                | Self::HasData { .. }
                | Self::OtherCopy { .. }
                | Self::NotPortable { .. }
                | Self::ForeignTable { .. }
        )
    }

    /// Whether hosts use the source.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::NoStandstill(NoStandstill::InUse { .. }))
    }
}
