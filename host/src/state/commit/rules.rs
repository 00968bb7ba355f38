//! What a processor's statements may do, judged once for each text.
//!
//! # Threads
//! All attempts of a run share the rules. The lock on the texts that have passed is not held while a text is judged, so
//! that two threads may judge the same one.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use duckdb::Connection;

use crate::{
    names::ProcessorName,
    state::{
        engine::instance::Link,
        error::Result,
        judge::{
            refused::StatementRefused,
            statement::{check_query, written_table},
        },
        schema::owners::{ForeignTable, Owners},
    },
};

/// What the statements of one processor may do, for as long as no migration is applied.
pub struct StatementRules {
    processor: ProcessorName,
    owners: Owners,
    /// The texts that have passed.
    passed: Mutex<HashSet<(Call, String)>>,
}

/// The method that a text is handed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Execute,
    Query,
}

/// How many texts are remembered. A processor that writes values into its texts has a new one each time.
const REMEMBERED: usize = 1024;

/// Why a processor may not hand a text to a method.
#[derive(Debug, thiserror::Error)]
pub enum Forbidden {
    /// It is no statement that the call takes.
    #[error(transparent)]
    Refused(#[from] StatementRefused),
    /// It writes to a table of another.
    #[error(transparent)]
    Foreign(#[from] ForeignTable),
}

impl StatementRules {
    /// What the statements of a processor may do.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(crate) fn of(connection: &Connection, processor: &ProcessorName) -> Result<Self> {
        Ok(Self {
            processor: processor.clone(),
            owners: Owners::read(connection)?,
            passed: Mutex::default(),
        })
    }

    /// Checks that the processor may hand a text to a method.
    ///
    /// # Errors
    /// When the text is no statement that the method takes, or writes to a table of another.
    pub(crate) fn check(&self, link: &Link, call: Call, sql: &str) -> Result<(), Forbidden> {
        let text = (call, sql.to_owned());
        if self.passed().contains(&text) {
            return Ok(());
        }
        match call {
            Call::Query => check_query(link, sql)?,
            Call::Execute => {
                let table = written_table(link, sql)?;
                self.owners.check(&self.processor, &table)?;
            }
        }
        let mut passed = self.passed();
        if passed.len() == REMEMBERED {
            passed.clear();
        }
        passed.insert(text);
        Ok(())
    }

    fn passed(&self) -> MutexGuard<'_, HashSet<(Call, String)>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
