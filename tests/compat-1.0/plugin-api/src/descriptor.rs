//! What a processor says of itself.

use serde::{Deserialize, Serialize};

/// A processor's name, cadence and tables, as the host needs them.
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
}

/// How many sessions a processor takes at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concurrency {
    /// As many as the host has workers.
    #[default]
    Parallel,
    /// One, which is committed before the next begins.
    Serial,
}

impl Descriptor {
    /// A processor of this name (`[a-z][a-z0-9_-]*`), due every 15 minutes.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cadence_minutes: 15,
            concurrency: Concurrency::default(),
            output_version: 0,
            session_tables: Vec::new(),
        }
    }

    /// How many minutes lie between two runs; the operator can override it. 0 is refused.
    #[must_use]
    pub fn cadence_minutes(mut self, minutes: u32) -> Self {
        self.cadence_minutes = minutes;
        self
    }

    /// One session at a time, each committed before the next begins.
    #[must_use]
    pub fn serial(mut self) -> Self {
        self.concurrency = Concurrency::Serial;
        self
    }

    /// The version of what the processor writes: after an increase, sessions recorded under a lower one are processed again.
    #[must_use]
    pub fn output_version(mut self, version: u32) -> Self {
        self.output_version = version;
        self
    }

    /// Declares a table that [`Connection::replace`](crate::Connection::replace) fills.
    ///
    /// The table has a `session_file VARCHAR` column, which the host fills, and neither a key nor an index. A
    /// successful attempt deletes the session's rows from every declared table, whether it writes new ones or not.
    #[must_use]
    pub fn session_table(mut self, table: impl Into<String>) -> Self {
        self.session_tables.push(table.into());
        self
    }

    /// The processor's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Minutes between two runs.
    #[must_use]
    pub fn cadence(&self) -> u32 {
        self.cadence_minutes
    }

    /// How many sessions the processor takes at once.
    #[must_use]
    pub fn concurrency(&self) -> Concurrency {
        self.concurrency
    }

    /// The version of what the processor writes.
    #[must_use]
    pub fn version_of_output(&self) -> u32 {
        self.output_version
    }

    /// The declared session tables.
    #[must_use]
    pub fn session_tables(&self) -> &[String] {
        &self.session_tables
    }
}

/// One step in the making of a processor's tables: SQL that is applied once, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    version: u32,
    title: String,
    sql: String,
}

impl Migration {
    /// The step to `version` (1, 2, ...), with a title for logs and the statements, separated by `;`.
    pub fn new(version: u32, title: impl Into<String>, sql: impl Into<String>) -> Self {
        Self {
            version,
            title: title.into(),
            sql: sql.into(),
        }
    }

    /// The version that the tables have afterwards.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What the step does, for logs.
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
