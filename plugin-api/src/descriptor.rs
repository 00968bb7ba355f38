//! How a processor describes itself to the host.

use serde::{Deserialize, Serialize};

use crate::Report;

/// A processor's name, cadence, tables and reports.
///
/// ```
/// use session_plugin_api::Descriptor;
///
/// let descriptor = Descriptor::new("lines").cadence_minutes(10).session_table("session_lines");
/// assert_eq!(descriptor.name(), "lines");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    name: String,
    cadence_minutes: u32,
    #[serde(default)]
    concurrency: Concurrency,
    #[serde(default)]
    output_version: u32,
    #[serde(default)]
    session_tables: Vec<String>,
    #[serde(default)]
    reference_tables: Vec<String>,
    #[serde(default)]
    reports: Vec<Report>,
    #[serde(default)]
    report_warnings: Option<String>,
    #[serde(default)]
    searchable: Option<String>,
}

/// How many sessions a processor processes at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concurrency {
    /// As many as the host has workers.
    #[default]
    Parallel,
    /// One; what it wrote is visible to the next one.
    Serial,
}

impl Descriptor {
    /// Describes a processor of this name (`[a-z][a-z0-9_-]*`), due every 15 minutes.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cadence_minutes: 15,
            concurrency: Concurrency::default(),
            output_version: 0,
            session_tables: Vec::new(),
            reference_tables: Vec::new(),
            reports: Vec::new(),
            report_warnings: None,
            searchable: None,
        }
    }

    /// Sets the minutes between two runs; the operator can override it. The host rejects 0.
    #[must_use]
    pub fn cadence_minutes(mut self, minutes: u32) -> Self {
        self.cadence_minutes = minutes;
        self
    }

    /// Asks for one session at a time: what a session wrote is visible to the next one.
    #[must_use]
    pub fn serial(mut self) -> Self {
        self.concurrency = Concurrency::Serial;
        self
    }

    /// Sets the version of the processor's output. After an increase, the host processes all sessions that have a lower
    /// version again.
    #[must_use]
    pub fn output_version(mut self, version: u32) -> Self {
        self.output_version = version;
        self
    }

    /// Declares a table that [`Connection::replace`](crate::Connection::replace) fills.
    ///
    /// The table has a `session_file VARCHAR` column, which the host fills. It has no key, unique constraint or index. A
    /// successful attempt deletes the session's earlier rows from every declared table, even if it writes no new ones.
    #[must_use]
    pub fn session_table(mut self, table: impl Into<String>) -> Self {
        self.session_tables.push(table.into());
        self
    }

    /// Declares a table whose rows come with the plugin, from
    /// [`SessionProcessor::reference_rows`](crate::SessionProcessor::reference_rows).
    ///
    /// The table has no `session_file` column. Only the host writes to it: when it loads the plugin, it replaces the rows if
    /// they differ.
    #[must_use]
    pub fn reference_table(mut self, table: impl Into<String>) -> Self {
        self.reference_tables.push(table.into());
        self
    }

    /// Adds a report. Since 1.3; an older host ignores it.
    #[must_use]
    pub fn report(mut self, report: Report) -> Self {
        self.reports.push(report);
        self
    }

    /// Sets the SELECT that gives the warnings of every report, such as models without a price: its only column is
    /// `warning`, a text. It has the same parameters as a [`Report`]. Since 1.3; an older host ignores it.
    #[must_use]
    pub fn report_warnings(mut self, sql: impl Into<String>) -> Self {
        self.report_warnings = Some(sql.into());
        self
    }

    /// Sets the SELECT that gives the texts of transcripts which people search with `session-host search`. Since 1.4; an older
    /// host ignores it.
    ///
    /// Each row is one text. Its columns, in any order:
    ///
    /// | column | type | value |
    /// |---|---|---|
    /// | `session` | VARCHAR | the session's key, as in `session_file` |
    /// | `username` | VARCHAR | the user |
    /// | `project` | VARCHAR | the project, or NULL |
    /// | `time` | TIMESTAMP in UTC | when the text was written; a row without it is not found |
    /// | `line` | BIGINT | the line of the transcript in which the text stands, from 1 |
    /// | `part` | BIGINT | the number of the text in its session; no other text of the session has it |
    /// | `kind` | VARCHAR | what the text is, such as `prompt` |
    /// | `tool` | VARCHAR | the tool that wrote or got the text, or NULL |
    /// | `text` | VARCHAR | the text, without secrets |
    ///
    /// The host filters and sorts the rows. It has no parameters. A plain SELECT on one table is the fastest, because DuckDB
    /// then skips what the filters exclude.
    #[must_use]
    pub fn searchable(mut self, sql: impl Into<String>) -> Self {
        self.searchable = Some(sql.into());
        self
    }

    /// The processor's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The minutes between two runs.
    #[must_use]
    pub fn cadence(&self) -> u32 {
        self.cadence_minutes
    }

    /// How many sessions the processor processes at the same time.
    #[must_use]
    pub fn concurrency(&self) -> Concurrency {
        self.concurrency
    }

    /// The version of the processor's output.
    #[must_use]
    pub fn version_of_output(&self) -> u32 {
        self.output_version
    }

    /// The declared session tables.
    #[must_use]
    pub fn session_tables(&self) -> &[String] {
        &self.session_tables
    }

    /// The declared reference tables.
    #[must_use]
    pub fn reference_tables(&self) -> &[String] {
        &self.reference_tables
    }

    /// The reports.
    #[must_use]
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// The SELECT that gives the warnings of every report.
    #[must_use]
    pub fn warnings_of_reports(&self) -> Option<&str> {
        self.report_warnings.as_deref()
    }

    /// The SELECT that gives the texts to search.
    #[must_use]
    pub fn texts_to_search(&self) -> Option<&str> {
        self.searchable.as_deref()
    }
}

/// One version of a processor's schema: SQL that the host applies once, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    version: u32,
    title: String,
    sql: String,
}

impl Migration {
    /// Creates the migration to `version` (1, 2, ...), with a title for logs and statements that are separated by `;`.
    pub fn new(version: u32, title: impl Into<String>, sql: impl Into<String>) -> Self {
        Self {
            version,
            title: title.into(),
            sql: sql.into(),
        }
    }

    /// The version of the schema after the migration.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The title of the migration, for logs.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The statements.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }
}
