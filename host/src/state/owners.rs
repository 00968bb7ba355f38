//! Who made which table or view.

use std::collections::HashMap;

use duckdb::Connection;

use super::{
    error::{Doing, Result},
    open::State,
};

/// Who made which table or view: a processor, the host, or nobody that is known.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    of_processors: HashMap<String, String>,
}

const OF_THE_HOST: [&str; 6] = [
    "session_processor_state",
    "session_processor_failure",
    "processor_schedule",
    "audit_log",
    "processor_table",
    "schema_migration",
];

impl State {
    /// Who made which table or view, as it stands now.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn owners(&self) -> Result<Owners> {
        Owners::read(&self.connect()?)
    }
}

impl Owners {
    pub(super) fn read(connection: &Connection) -> Result<Self> {
        let doing = "read who owns which table";
        let mut statement = connection
            .prepare("SELECT lower(table_name), owner FROM processor_table")
            .doing(doing)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let of_processors = rows.and_then(Iterator::collect).doing(doing)?;
        Ok(Self { of_processors })
    }

    /// The processor that made a table or view, or `the host`; `None` where nobody is known to have.
    #[must_use]
    pub fn of(&self, table: &str) -> Option<&str> {
        let table = table.to_lowercase();
        match OF_THE_HOST.contains(&table.as_str()) {
            true => Some("the host"),
            false => self.of_processors.get(&table).map(String::as_str),
        }
    }
}
