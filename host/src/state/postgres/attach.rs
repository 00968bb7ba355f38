//! Opens a DuckDB instance that attaches the PostgreSQL database.
//!
//! Each instance has one connection. If PostgreSQL ends a connection in the middle of a COPY, DuckDB gives its whole
//! instance up, and what others do in it would be lost.

use std::path::PathBuf;

use duckdb::Connection;

use crate::{
    postgres::{PostgresAddress, check_admission},
    state::{
        database_error::DatabaseError,
        engine::{
            attached::{CATALOG, SCHEMA},
            instance::Engine,
            open::{lock, open_in_memory},
            sql::{quoted, text},
        },
        error::{Doing, Result, StateError},
        postgres::{extension, mirror::LocalObjects},
    },
    state_place::SharedFolders,
};

/// Where the database is, and what DuckDB needs to attach it.
#[derive(Clone, Debug)]
pub(in crate::state) struct Database {
    pub(super) address: PostgresAddress,
    pub(super) extension: PathBuf,
    /// The folder that exports may be written to.
    pub(super) exports: PathBuf,
    /// The folder of the snapshots, if some are written.
    pub(super) snapshots: Option<PathBuf>,
}

/// An instance that attaches the database, and its only connection. Its SQL still reaches more than the database.
pub(in crate::state) struct Unconfined {
    // The connection ends before the instance.
    pub(in crate::state) connection: Connection,
    pub(in crate::state) engine: Engine,
}

impl Database {
    /// The database at this address.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached or refuses this role, or DuckDB's extension is missing.
    pub(in crate::state) fn at(address: &PostgresAddress, folders: SharedFolders) -> Result<Self> {
        check_admission(address).map_err(|error| StateError::NotAdmitted(Box::new(error)))?;
        let extension = extension::find().map_err(|source| StateError::NoExtension {
            address: address.to_string(),
            source,
        })?;
        Ok(Self {
            address: address.clone(),
            extension,
            exports: folders.exports,
            snapshots: folders.snapshots,
        })
    }

    /// Opens an instance that attaches the schema, which may not exist yet. DuckDB takes a tenth of a second to verify the
    /// extension.
    pub(in crate::state) fn attach(&self, application_name: &str) -> Result<Unconfined> {
        self.attach_schema(application_name, SCHEMA)
    }

    /// As [`attach`](Self::attach), with a schema of another name.
    pub(in crate::state) fn attach_schema(&self, application_name: &str, schema: &str) -> Result<Unconfined> {
        let engine = open_in_memory()?;
        let connection = engine.connection().doing("connect to an instance in memory")?;
        let load = format!("LOAD {}", text(&self.extension.to_string_lossy()));
        connection
            .execute_batch(&load)
            .doing("load DuckDB's extension for PostgreSQL")?;
        // One connection reads a table in one snapshot, and PostgreSQL's texts hold no zero bytes.
        let settings = "SET GLOBAL pg_use_ctid_scan = false; SET GLOBAL pg_null_byte_replacement = '\u{fffd}'";
        connection
            .execute_batch(settings)
            .doing("set up DuckDB's extension for PostgreSQL")?;
        let attach = format!(
            "ATTACH {} AS {} (TYPE postgres, SCHEMA {})",
            text(&self.address.libpq(application_name)),
            quoted(CATALOG),
            text(schema)
        );
        connection
            .execute_batch(&attach)
            .map_err(|error| self.unreachable(error))?;
        Ok(Unconfined { engine, connection })
    }

    /// Gives an instance these views and macros, and the last settings. From then on, no SQL of it reaches anything but the
    /// database and the folder for exports.
    pub(super) fn confine(&self, instance: Unconfined, objects: &LocalObjects) -> Result<(Engine, Connection)> {
        let Unconfined { engine, connection } = instance;
        objects.create(&connection)?;
        choose_schema(&connection)?;
        let folder = text(&format!("{}/", self.exports.to_string_lossy()));
        connection
            .execute_batch(&format!("SET GLOBAL allowed_directories = [{folder}]"))
            .doing("set the export folder")?;
        lock(&connection)?;
        Ok((engine, connection))
    }

    /// The error for a database that cannot be attached. DuckDB's own text names all parameters of the connection.
    fn unreachable(&self, error: duckdb::Error) -> StateError {
        let said = error.to_string();
        let reason = said.rsplit_once("\": ").map_or(said.as_str(), |(_, reason)| reason);
        // These do not end by themselves.
        const REFUSED: [&str; 6] = [
            "certificate verify failed",
            "server certificate for",
            "authentication failed",
            "no password supplied",
            "does not exist",
            "no pg_hba.conf entry",
        ];
        match DatabaseError::from(error).trouble() {
            Some(trouble) if !REFUSED.iter().any(|refused| reason.contains(refused)) => StateError::Troubled {
                doing: format!("reach the state {}", self.address),
                said: reason.trim().to_owned(),
                trouble,
            },
            _ => StateError::Unattached {
                address: self.address.to_string(),
                reason: reason.trim().to_owned(),
            },
        }
    }
}

/// Makes names without a schema mean the attached tables first, and the instance's own views and macros then.
pub(super) fn choose_schema(connection: &Connection) -> Result<()> {
    connection
        .execute_batch(&format!("SET search_path = '{CATALOG}.{SCHEMA},memory.main'"))
        .doing("choose the attached schema")
}
