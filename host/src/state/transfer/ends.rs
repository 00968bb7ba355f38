//! A DuckDB instance that attaches both ends of a copy.

use std::path::Path;

use duckdb::Connection;

use crate::state::{
    engine::{
        attached::{CATALOG, passed_through},
        instance::Engine,
        open::STORAGE,
        sql::{quoted, text},
    },
    error::{Doing as _, Result},
    postgres::{
        attach::{Database, Unconfined},
        shared_state::OUTSIDER,
    },
};

/// The name under which the instance attaches the file.
pub(super) const FILE: &str = "file";

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The DuckDB file.
    File,
    /// The database in PostgreSQL.
    Postgres,
}

impl End {
    /// The other one.
    pub(super) fn other(self) -> Self {
        match self {
            Self::File => Self::Postgres,
            Self::Postgres => Self::File,
        }
    }
}

/// What may be done with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileAccess {
    /// It is the source.
    Read,
    /// It is the target. It is made if it does not exist.
    Write,
}

/// An instance that attaches both ends, with its only connection.
pub(super) struct Ends {
    // The connection ends before the instance.
    pub(super) connection: Connection,
    _engine: Engine,
    /// Where the rows go.
    pub(super) target: End,
    /// The schema in PostgreSQL.
    pub(super) schema: &'static str,
}

impl Ends {
    /// An instance that attaches a schema of the database. The file comes later.
    pub(super) fn of(database: &Database, schema: &'static str, target: End) -> Result<Self> {
        let Unconfined { engine, connection } = database.attach_schema(OUTSIDER, schema)?;
        Ok(Self {
            connection,
            _engine: engine,
            target,
            schema,
        })
    }

    /// Attaches the file.
    pub(super) fn attach_file(&self, path: &Path, access: FileAccess) -> Result<()> {
        let options = match access {
            FileAccess::Read => "READ_ONLY".to_owned(),
            FileAccess::Write => format!("STORAGE_VERSION {}", text(STORAGE)),
        };
        let attach = format!("ATTACH {} AS {FILE} ({options})", text(&path.to_string_lossy()));
        self.run("open the file for the copy", &attach)
    }

    /// Lets go of the file, if it is attached. All of it is on the disk then.
    pub(super) fn detach_file(&self) -> Result<()> {
        self.run(
            "close the file of the copy",
            &format!("USE memory; DETACH DATABASE IF EXISTS {FILE}"),
        )
    }

    /// The full name of a table at an end, quoted.
    pub(super) fn place_of(&self, end: End, table: &str) -> String {
        let schema = self.schema_at(end);
        format!("{schema}.{}", quoted(table))
    }

    /// The full name of the schema at an end.
    pub(super) fn schema_at(&self, end: End) -> String {
        let (database, schema) = self.catalog_at(end);
        format!("{database}.{}", quoted(schema))
    }

    /// The names of the database and of the schema at an end.
    pub(super) fn catalog_at(&self, end: End) -> (&'static str, &'static str) {
        match end {
            End::File => (FILE, "main"),
            End::Postgres => (CATALOG, self.schema),
        }
    }

    /// Runs statements.
    pub(super) fn run(&self, doing: &'static str, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).doing(doing)
    }

    /// A number that PostgreSQL answers with.
    pub(super) fn ask_postgres(&self, doing: &'static str, query: &str) -> Result<i64> {
        self.number(doing, &passed_through(query))
    }

    /// The number that a query gives.
    pub(super) fn number(&self, doing: &'static str, query: &str) -> Result<i64> {
        self.connection.query_row(query, [], |row| row.get(0)).doing(doing)
    }
}
