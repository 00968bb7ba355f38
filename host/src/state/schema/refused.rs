//! Why the host rejects a processor's tables.

use std::fmt;

use crate::state::{
    conflict::Conflict,
    database_error::DatabaseError,
    error::StateError,
    judge::{plan::ObjectKind, refused::StatementRefused},
    rows::refused::RowsRefused,
};

/// What a migration may use. Transactions belong to the host, and other files do not belong to the processor.
const MIGRATING: &str = "CREATE, ALTER, DROP, INSERT, UPDATE, DELETE, MERGE, COMMENT";

/// Why the host rejects a processor's tables.
#[derive(Debug, thiserror::Error)]
pub enum SchemaRefused {
    /// The versions are not 1, 2, 3, ...
    #[error("migrations must be numbered 1, 2, 3 and so on: found {found} instead of {expected}")]
    Order {
        /// The expected version.
        expected: u32,
        /// The version found.
        found: u32,
    },
    /// A newer version of the plugin has used this state.
    #[error(
        "the state has this processor's tables at version {recorded}, but the plugin knows versions only up to {known}: use the newer plugin"
    )]
    Newer {
        /// The version in the state.
        recorded: u32,
        /// The newest version of the plugin.
        known: u32,
    },
    /// Another host has migrated the tables since this one prepared them.
    #[error(
        "the state has the tables of {processor} at version {recorded}, but this host has the plugin that made version {prepared}: install the same version of the plugin on all hosts, and reload"
    )]
    Differs {
        /// The processor.
        processor: String,
        /// The version in the state.
        recorded: u32,
        /// The version that this host prepared.
        prepared: u32,
    },
    /// A migration that was already applied has changed.
    #[error("migration {version} was applied with other SQL: never change a released migration, add a further one")]
    Changed {
        /// The migration.
        version: u32,
    },
    /// A migration holds a statement that migrations may not use.
    #[error("migration {version} holds a {found} statement: a migration may only use {MIGRATING}")]
    Kind {
        /// The migration.
        version: u32,
        /// The statement's first word.
        found: String,
    },
    /// A migration creates or changes something outside the state's main schema.
    #[error("migration {version} touches `{object}` outside the main schema of the state: create it there")]
    Elsewhere {
        /// The migration.
        version: u32,
        /// The table, view or other object.
        object: String,
    },
    /// A migration creates something with the name of an object that DuckDB has built in.
    #[error(
        "migration {version} names a {kind} `{name}`, but DuckDB has a built-in one of that name: choose another name"
    )]
    BuiltIn {
        /// The migration.
        version: u32,
        /// What it creates.
        kind: ObjectKind,
        /// The name.
        name: String,
    },
    /// The host rejects a statement of a migration.
    #[error("migration {version}: {source}")]
    Statement {
        /// The migration.
        version: u32,
        /// Why.
        r#source: StatementRefused,
    },
    /// A migration touches an object of somebody else.
    #[error("migration {version} touches `{table}`, which belongs to {owner}")]
    Foreign {
        /// The migration.
        version: u32,
        /// The table or view.
        table: String,
        /// Who created it.
        owner: String,
    },
    /// A migration's SQL fails.
    #[error("migration {version}: {source}")]
    Failed {
        /// The migration.
        version: u32,
        /// What DuckDB says.
        r#source: DatabaseError,
    },
    /// PostgreSQL cannot take a statement of a migration.
    #[error(
        "migration {version} cannot be applied to PostgreSQL: `{statement}`: {reason}; this processor needs a state in a DuckDB file, or a version that keeps to what both know"
    )]
    NotPortable {
        /// The migration.
        version: u32,
        /// The statement in one line, or its beginning.
        statement: String,
        /// Why.
        reason: String,
    },
    /// A declared table does not exist.
    #[error("{kind} table `{table}` does not exist: create it in a migration")]
    MissingTable {
        /// What it is declared as.
        kind: TableKind,
        /// The table.
        table: String,
    },
    /// A declared table belongs to somebody else.
    #[error("{kind} table `{table}` belongs to {owner}")]
    ForeignTable {
        /// What it is declared as.
        kind: TableKind,
        /// The table.
        table: String,
        /// Who created it.
        owner: String,
    },
    /// A session table has no column for the session.
    #[error("session table `{0}` has no column `session_file` of type VARCHAR")]
    NoSessionFile(String),
    /// A session table has a key or an index.
    #[error(
        "session table `{table}` has `{key}`: the host replaces the rows of sessions in it, so it must have no key, unique constraint or index"
    )]
    Keyed {
        /// The table.
        table: String,
        /// The key or index, as SQL.
        key: String,
    },
    /// A reference table has a column for the session.
    #[error("reference table `{0}` has a column `session_file`: rows of sessions belong in a session table")]
    ReferenceOfSessions(String),
    /// The rows do not fit a reference table.
    #[error(transparent)]
    ReferenceRows(#[from] RowsRefused),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What a processor declares a table as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// Its rows belong to sessions.
    Session,
    /// Its rows come with the plugin.
    Reference,
}

impl fmt::Display for TableKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Session => "session",
            Self::Reference => "reference",
        })
    }
}

impl SchemaRefused {
    /// What the transaction met, if the same work may succeed if it is repeated.
    #[must_use]
    pub fn conflict(&self) -> Option<Conflict> {
        match self {
            Self::State(error) => error.conflict(),
            _ => None,
        }
    }

    /// The error of the state, if no plugin is to blame.
    ///
    /// # Errors
    /// Returns itself if the plugin is to blame.
    pub fn into_fatal(self) -> Result<StateError, Self> {
        match self {
            Self::State(error) if error.is_fatal() => Ok(error),
            refused => Err(refused),
        }
    }
}
