//! Opens a DuckDB instance that attaches the PostgreSQL database.
//!
//! Each instance has one connection. If PostgreSQL ends a connection in the middle of a COPY, DuckDB gives its whole
//! instance up, and what others do in it would be lost.

use std::path::PathBuf;

use duckdb::Connection;

use crate::{
    postgres::PostgresAddress,
    state::{
        database_error::DatabaseError,
        engine::{
            attached::{CATALOG, SCHEMA},
            instance::Engine,
            open::{lock, open_in_memory},
            sql::{quoted, text},
        },
        error::{Doing, Result, StateError},
        postgres::mirror::LocalObjects,
    },
};

/// Where the database is, and what DuckDB needs to attach it.
#[derive(Clone, Debug)]
pub(super) struct Database {
    pub(super) address: PostgresAddress,
    pub(super) extension: PathBuf,
    /// The folder that exports may be written to.
    pub(super) exports: PathBuf,
}

impl Database {
    /// Opens an instance that attaches the schema, with these views and macros, and its only connection. No SQL of it
    /// reaches anything but the database and the folder for exports.
    pub(super) fn attach(&self, application_name: &str, objects: &LocalObjects) -> Result<(Engine, Connection)> {
        let (engine, connection) = self.attach_open(application_name, &format!(", SCHEMA {}", text(SCHEMA)))?;
        objects.create(&connection)?;
        connection
            .execute_batch(&format!("SET search_path = '{CATALOG}.{SCHEMA},memory.main'"))
            .doing("choose the attached schema")?;
        let folder = text(&format!("{}/", self.exports.to_string_lossy()));
        connection
            .execute_batch(&format!("SET GLOBAL allowed_directories = [{folder}]"))
            .doing("set the export folder")?;
        lock(&connection)?;
        Ok((engine, connection))
    }

    /// Opens an instance that attaches the whole database, to create the schema in it.
    pub(super) fn attach_whole(&self, application_name: &str) -> Result<(Engine, Connection)> {
        self.attach_open(application_name, "")
    }

    fn attach_open(&self, application_name: &str, options: &str) -> Result<(Engine, Connection)> {
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
            "ATTACH {} AS {} (TYPE postgres{options})",
            text(&self.address.libpq(application_name)),
            quoted(CATALOG)
        );
        connection
            .execute_batch(&attach)
            .map_err(|error| self.unreachable(error))?;
        Ok((engine, connection))
    }

    /// The error for a database that cannot be attached. DuckDB's own text names all parameters of the connection.
    fn unreachable(&self, error: duckdb::Error) -> StateError {
        let said = error.to_string();
        let reason = said.rsplit_once("\": ").map_or(said.as_str(), |(_, reason)| reason);
        match DatabaseError::from(error).trouble() {
            Some(trouble) => StateError::Troubled {
                doing: format!("reach the state {}", self.address),
                said: reason.trim().to_owned(),
                trouble,
            },
            None => StateError::Unattached {
                address: self.address.to_string(),
                reason: reason.trim().to_owned(),
            },
        }
    }
}
