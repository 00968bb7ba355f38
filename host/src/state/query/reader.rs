//! Reads the state for people: lists, queries and exports.

mod opening;

use std::{collections::HashMap, path::Path};

use session_plugin_api::{Report, Timestamp};

use crate::{
    names::{ProcessorName, SessionKey},
    state::{
        engine::{
            export,
            instance::Link,
            interrupt::Interrupt,
            open::lock,
            sql::{contents_of, quoted, table_exists},
        },
        error::{Doing, Result},
        query::{
            ask::{self, QueryAnswer, QueryError, QueryLimits},
            report::{self, ReportAnswer, ReportParameters, ReportQuery},
            report_check::{self, ReportRejected},
            search::{self, FoundTexts, SearchQuery},
            tables::{self, DescribedTable},
        },
        records::{
            alerts::{self, RecordedAlerts},
            audit::{self, AuditEntry},
            audit_entries::{self, AuditFilter},
            failures::{self, AllFailed, FailingSession, Failure},
            pauses::{self, Pauses},
            reprocessing::{self, Marked, ReprocessFilter},
            sessions::{self, ProcessorStatus, SessionState},
        },
        schema::{
            host_tables::{ALERT, PAUSE},
            processor::{self, DeclaredTables},
            refused::SchemaRefused,
        },
    },
};

/// A connection for reading.
pub struct Reader {
    pub(super) link: Link,
    tables: HostTables,
    as_of: Option<Timestamp>,
}

/// Which of the host's tables a state has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HostTables {
    /// All of them: it was opened for writing, and so migrated.
    All,
    /// Perhaps only those of an earlier version.
    Some,
}

/// A summary of the contents of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableContents {
    /// How many rows.
    pub rows: u64,
    /// The sum of the rows' hashes. It is the same for the same rows, each equally often, in any order.
    pub digest: String,
}

impl Reader {
    /// Reads through a connection to a state that is already open.
    pub(crate) fn of(link: Link) -> Self {
        Self {
            link,
            tables: HostTables::All,
            as_of: None,
        }
    }

    /// A reader of a snapshot of this time.
    pub(crate) fn of_snapshot(link: Link, taken_at: Timestamp) -> Self {
        Self {
            as_of: Some(taken_at),
            ..Self::of(link)
        }
    }

    /// Of when the state is that it reads; `None` if it reads the present one.
    #[must_use]
    pub fn as_of(&self) -> Option<Timestamp> {
        self.as_of
    }

    /// Whether the state has a table of the host's. To ask takes DuckDB a millisecond.
    fn has(&self, table: &str) -> Result<bool> {
        match self.tables {
            HostTables::All => Ok(true),
            HostTables::Some => table_exists(&self.link, table),
        }
    }

    /// The handle that interrupts a query of this reader.
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

    /// Why the last run of each processor failed, for those where it did.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn failed_runs(&self) -> Result<HashMap<String, String>> {
        audit::failed_runs(&self.link)
    }

    /// The sessions that first failed after the processor last processed one, if the latest run that attempted one of
    /// them processed nothing. Leaves out the sessions that failed in the run under way, which began at `run_began`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn all_failed(&self, processor: &ProcessorName, run_began: Option<Timestamp>) -> Result<Option<AllFailed>> {
        failures::all_failed(&self.link, processor, run_began)
    }

    /// Forbids access to anything outside the database: other files, extensions, a change of these settings.
    ///
    /// # Errors
    /// When DuckDB rejects the settings.
    pub fn without_external_access(self) -> Result<Self> {
        lock(&self.link)?;
        Ok(self)
    }

    /// Makes DuckDB compute on one thread, as in the service, so that a sum of fractions is the same to its last digit.
    ///
    /// # Errors
    /// When DuckDB rejects the setting.
    pub fn on_one_thread(self) -> Result<Self> {
        self.link
            .execute_batch("SET GLOBAL threads = 1")
            .doing("set the number of threads")?;
        Ok(self)
    }

    /// Compares a processor with the state without changing it; returns the versions of the pending migrations. If
    /// there are none, checks the session tables too.
    ///
    /// # Errors
    /// When the processor cannot be used with this state.
    pub fn compare_processor(&self, declared: DeclaredTables<'_>) -> Result<Vec<u32>, SchemaRefused> {
        processor::compare(&self.link, declared)
    }

    /// The recorded sessions of a processor.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn sessions(&self, processor: &ProcessorName) -> Result<HashMap<SessionKey, SessionState>> {
        sessions::read(&self.link, processor)
    }

    /// The sessions of a processor that [`State::reprocess`](crate::state::State::reprocess) would mark.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn to_reprocess(&self, processor: &ProcessorName, filter: &ReprocessFilter) -> Result<Marked> {
        reprocessing::count(&self.link, processor, filter)
    }

    /// The progress of each processor.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn status(&self) -> Result<Vec<ProcessorStatus>> {
        sessions::status(&self.link)
    }

    /// The sessions that fail, the latest first. Those of which `max_attempts` attempts count are in quarantine.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn failures(&self, processor: Option<&ProcessorName>, max_attempts: Option<u64>) -> Result<Vec<Failure>> {
        failures::list(&self.link, processor, max_attempts)
    }

    /// The sessions of a processor that fail, for the choice whether a run attempts them.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn failing(&self, processor: &ProcessorName) -> Result<HashMap<SessionKey, FailingSession>> {
        failures::failing(&self.link, processor)
    }

    /// Whether the state knows a processor: it has processed sessions or failed, has run, or has tables.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn knows(&self, processor: &ProcessorName) -> Result<bool> {
        pauses::is_known(&self.link, processor)
    }

    /// The alerts that fired, and the secrets that no alert tells of.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn alerts(&self) -> Result<RecordedAlerts> {
        match self.has(ALERT)? {
            true => alerts::read(&self.link),
            false => Ok(RecordedAlerts::default()),
        }
    }

    /// The paused processors.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn pauses(&self) -> Result<Pauses> {
        match self.has(PAUSE)? {
            true => pauses::list(&self.link),
            false => Ok(Pauses::new()),
        }
    }

    /// The latest runs, the latest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn runs(&self, limit: u32) -> Result<Vec<AuditEntry>> {
        audit::list(&self.link, limit)
    }

    /// The latest entries of the audit log that match, the latest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn audit_entries(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>> {
        audit_entries::list(&self.link, filter, limit)
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn rows(&self, table: &str) -> Result<u64> {
        tables::rows(&self.link, table)
    }

    /// Every table and view with its columns.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn described_tables(&self) -> Result<Vec<DescribedTable>> {
        tables::described(&self.link)
    }

    /// Runs a query that somebody else wrote, in a read-only transaction.
    ///
    /// # Errors
    /// When it is not a single statement that reads, exceeds a limit, or DuckDB rejects it.
    pub fn query(
        &self,
        sql: &str,
        parameters: &[serde_json::Value],
        limits: QueryLimits,
    ) -> Result<QueryAnswer, QueryError> {
        ask::ask(&self.link, sql, parameters, limits)
    }

    /// Runs a report in a read-only transaction.
    ///
    /// # Errors
    /// When a SELECT of it is not one, exceeds a limit, or DuckDB rejects it.
    pub fn report(
        &self,
        query: &ReportQuery<'_>,
        parameters: &ReportParameters,
        limits: QueryLimits,
    ) -> Result<ReportAnswer, QueryError> {
        report::run(&self.link, query, parameters, limits)
    }

    /// Runs the SELECT that gives the warnings of reports, in a read-only transaction.
    ///
    /// # Errors
    /// As above.
    pub fn report_warnings(
        &self,
        sql: &str,
        parameters: &ReportParameters,
        limits: QueryLimits,
    ) -> Result<Vec<String>, QueryError> {
        report::warnings(&self.link, sql, parameters, limits)
    }

    /// Tries a report without reading a row, and returns the filters that it names.
    ///
    /// # Errors
    /// When it cannot be run, or gives other columns than it declares.
    pub fn check_report(&self, report: &Report) -> Result<Vec<String>, ReportRejected> {
        report_check::check_report(&self.link, report)
    }

    /// Tries the SELECT that gives the warnings of reports.
    ///
    /// # Errors
    /// When it cannot be run, or gives another column than `warning`.
    pub fn check_report_warnings(&self, sql: &str) -> Result<(), ReportRejected> {
        report_check::check_warnings(&self.link, sql)
    }

    /// Searches the texts of a processor in a read-only transaction, while the memory of the process grows by at most so many
    /// bytes.
    ///
    /// # Errors
    /// When the SELECT of the texts is not one, DuckDB rejects it or a pattern, or it takes too much memory.
    pub fn search(&self, query: &SearchQuery<'_>, memory: u64) -> Result<FoundTexts, QueryError> {
        search::search(&self.link, query, memory)
    }

    /// Tries a SELECT of texts without reading a row.
    ///
    /// # Errors
    /// When it cannot be run, or gives other columns than a search needs.
    pub fn check_searchable(&self, sql: &str) -> Result<(), ReportRejected> {
        search::check_searchable(&self.link, sql)
    }

    /// A summary of the contents of a table.
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

    /// Writes every table as a Parquet file into a folder; returns the names of the tables.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn export(&self, folder: &Path) -> Result<Vec<String>> {
        export::export(&self.link, folder)
    }
}

#[cfg(test)]
mod tests;
