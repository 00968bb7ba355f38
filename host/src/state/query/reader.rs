//! Reading the state for people: lists, queries and exports.

use std::{collections::HashMap, path::Path};

use session_plugin_api::Timestamp;

use crate::{
    names::{ProcessorName, SessionKey},
    state::{
        engine::{
            instance::{Access, Link},
            interrupt::Interrupt,
            open::{link_to, lock, open_engine},
            sql::{contents_of, quoted},
        },
        error::{Doing, Result, StateError},
        file::{
            backup::{is_to_be_restored, restore},
            place::{refuse_missing, refuse_odd_files},
        },
        query::{
            ask::{self, QueryAnswer, QueryError, QueryLimits},
            export,
        },
        records::{
            audit::{self, AuditEntry},
            failures::{self, AllFailed, Failure},
            sessions::{self, ProcessorStatus, SessionState},
        },
        schema::{
            processor::{self, DeclaredTables},
            refused::SchemaRefused,
        },
    },
};

/// A connection for reading.
pub struct Reader {
    link: Link,
}

/// What a table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableContents {
    /// How many rows.
    pub rows: u64,
    /// The sum of the rows' hashes: the same for the same rows, each as often, in whatever order they stand.
    pub digest: String,
}

impl Reader {
    /// Opens a state file that there is already.
    ///
    /// # Errors
    /// When there is none, another process has it open, or it is no DuckDB database.
    pub fn open(path: &Path) -> Result<Self> {
        refuse_missing(path)?;
        refuse_odd_files(path)?;
        restore(path)?;
        let link = link_to(&open_engine(path, Access::ReadOnly)?)?;
        Ok(Self { link })
    }

    /// Opens a state file for a look: nothing is written, not even what a checkpoint that was cut off left to be restored.
    /// `None` where there is no state yet, or one that must be restored first.
    ///
    /// # Errors
    /// When another process has it open, or it is no DuckDB database.
    pub fn look_at(path: &Path) -> Result<Option<Self>> {
        if matches!(refuse_missing(path), Err(StateError::Missing { .. })) {
            return Ok(None);
        }
        if is_to_be_restored(path) {
            tracing::warn!(
                "a checkpoint was cut off: the plugins' tables can be compared when a run has restored the state"
            );
            return Ok(None);
        }
        let link = link_to(&open_engine(path, Access::ReadOnly)?)?;
        Ok(Some(Self { link }))
    }

    /// Reads through a connection to a state that is open already.
    pub(crate) fn of(link: Link) -> Self {
        Self { link }
    }

    /// What interrupts a query of this reader that takes too long.
    #[must_use]
    pub fn interrupt_handle(&self) -> Interrupt {
        Interrupt::of(&self.link)
    }

    /// When each processor's last run began.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn last_runs(&self) -> Result<HashMap<String, Timestamp>> {
        audit::last_runs(&self.link)
    }

    /// Why the last run of each processor failed as a whole, where it did.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn failed_runs(&self) -> Result<HashMap<String, String>> {
        audit::failed_runs(&self.link)
    }

    /// The sessions that failed for the first time since a processor last processed one, where the latest run that met
    /// one of them processed nothing; those that a run which goes on since `run_began` met are left out.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn all_failed(&self, processor: &ProcessorName, run_began: Option<Timestamp>) -> Result<Option<AllFailed>> {
        failures::all_failed(&self.link, processor, run_began)
    }

    /// Forbids what reaches out of the database: other files, extensions, a change of these settings.
    ///
    /// # Errors
    /// When DuckDB refuses the settings.
    pub fn without_external_access(self) -> Result<Self> {
        lock(&self.link)?;
        Ok(self)
    }

    /// Compares a processor with the state, which stays as it is; gives the versions of the outstanding migrations. Where
    /// there are none, the session tables are checked too.
    ///
    /// # Errors
    /// When the processor cannot be used with this state.
    pub fn compare_processor(&self, declared: DeclaredTables<'_>) -> Result<Vec<u32>, SchemaRefused> {
        processor::compare(&self.link, declared)
    }

    /// What is recorded of a processor's sessions.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn sessions(&self, processor: &ProcessorName) -> Result<HashMap<SessionKey, SessionState>> {
        sessions::read(&self.link, processor)
    }

    /// How far each processor is.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn status(&self) -> Result<Vec<ProcessorStatus>> {
        sessions::status(&self.link)
    }

    /// The sessions that fail, the latest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn failures(&self, processor: Option<&ProcessorName>) -> Result<Vec<Failure>> {
        failures::list(&self.link, processor)
    }

    /// The latest runs, the latest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn runs(&self, limit: u32) -> Result<Vec<AuditEntry>> {
        audit::list(&self.link, limit)
    }

    /// Runs a query that someone else wrote, in a transaction that can write nothing.
    ///
    /// # Errors
    /// When it is no single statement that reads, goes beyond a limit, or DuckDB refuses it.
    pub fn query(
        &self,
        sql: &str,
        parameters: &[serde_json::Value],
        limits: QueryLimits,
    ) -> Result<QueryAnswer, QueryError> {
        ask::ask(&self.link, sql, parameters, limits)
    }

    /// What a table holds.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn contents(&self, table: &str) -> Result<TableContents> {
        let sql = contents_of(&format!("main.{}", quoted(table)));
        let contents = self.link.query_row(&sql, [], |row| {
            Ok(TableContents {
                rows: row.get(0)?,
                digest: row.get(1)?,
            })
        });
        contents.doing("read a table")
    }

    /// Writes every table as a Parquet file into a folder and gives the names of the tables.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn export(&self, folder: &Path) -> Result<Vec<String>> {
        export::export(&self.link, folder)
    }
}

#[cfg(test)]
mod tests {
    use session_plugin_api::Migration;

    use super::*;
    use crate::state::State;

    #[test]
    fn tables_that_differ_in_rows_that_stand_twice_have_other_contents() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.duckdb")).unwrap();
        let sql = "CREATE TABLE one AS FROM (VALUES ('a'), ('a'), ('c')) AS t(x);
                   CREATE TABLE other AS FROM (VALUES ('b'), ('c'), ('b')) AS t(x);
                   CREATE TABLE same AS FROM (VALUES ('a'), ('c'), ('a')) AS t(x)";
        let declared = DeclaredTables {
            processor: &"p".parse().unwrap(),
            migrations: &[Migration::new(1, "tables", sql)],
            session_tables: &[],
        };
        state.prepare_processor(declared).unwrap();
        let reader = state.reader().unwrap();
        let [one, other, same] = ["one", "other", "same"].map(|table| reader.contents(table).unwrap());
        assert_eq!(one, same);
        assert_ne!(one, other);
    }
}
