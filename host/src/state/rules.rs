//! What a processor's statements may do, judged once for each text.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    engine::Link,
    error::Result,
    open::State,
    owners::Owners,
    statement::{check_query, written_table},
    transaction::TransactionError,
};
use crate::names::ProcessorName;

/// What the statements of one processor may do, for as long as no migration is applied.
pub struct StatementRules {
    processor: ProcessorName,
    owners: Owners,
    /// The texts that have passed.
    passed: Mutex<HashSet<(Call, String)>>,
}

/// The method that a text is handed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Execute,
    Query,
}

/// How many texts are remembered. A processor that writes values into its texts has a new one each time.
const REMEMBERED: usize = 1024;

impl State {
    /// What the statements of a processor may do.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn statement_rules(&self, processor: &ProcessorName) -> Result<StatementRules> {
        let link = self.connect()?;
        Ok(StatementRules {
            processor: processor.clone(),
            owners: Owners::read(&link)?,
            passed: Mutex::default(),
        })
    }
}

impl StatementRules {
    /// Checks that the processor may hand a text to a method.
    ///
    /// # Errors
    /// When the text is no statement that the method takes, or writes to a table of another.
    pub(super) fn check(&self, link: &Link, call: Call, sql: &str) -> Result<(), TransactionError> {
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
