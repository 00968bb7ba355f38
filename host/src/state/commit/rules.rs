//! Decides which statements a processor may run. Each text is judged once.
//!
//! # Threads
//! All attempts of a run share the rules. The lock on the accepted texts is not held while a text is judged, so two
//! threads may judge the same one.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use duckdb::Connection;

use crate::{
    names::ProcessorName,
    state::{
        engine::instance::Link,
        error::Result,
        judge::{
            functions::unsteady_functions,
            refused::StatementRefused,
            statement::{Writing, check_query, writing},
        },
        schema::{declared::Inventory, owners::ForeignTable},
    },
};

/// The rules for the statements of one processor. They hold until a migration is applied.
pub struct StatementRules {
    processor: ProcessorName,
    inventory: Arc<Inventory>,
    /// The functions that may give something else each time. To list them takes 20 ms, and most runs never ask.
    unsteady: OnceLock<HashSet<String>>,
    /// The texts that were accepted.
    passed: Mutex<HashMap<(Call, String), Accepted>>,
}

/// What is known of a text that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It only reads.
    Reads,
    /// It writes rows.
    Writes {
        /// The table.
        table: Arc<str>,
        /// What it does if it is run again.
        repeated: Repeated,
    },
}

/// What a statement does if it is run again on the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// The same.
    Alike,
    /// Something else, because it depends on the time, on chance or on a sequence.
    Otherwise,
}

/// The method that a text is handed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Execute,
    Query,
}

/// How many texts are remembered. A processor that puts values into its texts has a new text each time.
const REMEMBERED: usize = 1024;

/// Why a processor may not hand a text to a method.
#[derive(Debug, thiserror::Error)]
pub enum Forbidden {
    /// It is not a statement that the method accepts.
    #[error(transparent)]
    Refused(#[from] StatementRefused),
    /// It writes to a table of somebody else.
    #[error(transparent)]
    Foreign(#[from] ForeignTable),
}

impl StatementRules {
    /// The rules for the statements of a processor.
    pub(crate) fn of(inventory: Arc<Inventory>, processor: &ProcessorName) -> Self {
        Self {
            processor: processor.clone(),
            inventory,
            unsteady: OnceLock::new(),
            passed: Mutex::default(),
        }
    }

    /// Checks that the processor may hand a text to a method.
    ///
    /// # Errors
    /// When the method does not accept the text, or the text writes to a table of somebody else.
    pub(crate) fn check(&self, link: &Link, call: Call, sql: &str) -> Result<Accepted, Forbidden> {
        let text = (call, sql.to_owned());
        if let Some(accepted) = self.passed().get(&text) {
            return Ok(accepted.clone());
        }
        let accepted = match call {
            Call::Query => {
                check_query(link, sql)?;
                Accepted::Reads
            }
            Call::Execute => {
                let judge = link.judge().map_err(StatementRefused::from)?;
                let writing = writing(&judge, sql)?;
                self.inventory.owners().check(&self.processor, &writing.table)?;
                Accepted::Writes {
                    repeated: self.repeated(&judge, &writing)?,
                    table: writing.table.into(),
                }
            }
        };
        let mut passed = self.passed();
        if passed.len() == REMEMBERED {
            passed.clear();
        }
        passed.insert(text, accepted.clone());
        Ok(accepted)
    }

    fn repeated(&self, connection: &Connection, writing: &Writing) -> Result<Repeated, StatementRefused> {
        let unsteady = self.unsteady(connection)?;
        let mut functions = writing.functions.iter();
        Ok(
            match writing.samples || functions.any(|function| unsteady.contains(&function.to_lowercase())) {
                true => Repeated::Otherwise,
                false => Repeated::Alike,
            },
        )
    }

    fn unsteady(&self, connection: &Connection) -> Result<&HashSet<String>, StatementRefused> {
        if let Some(unsteady) = self.unsteady.get() {
            return Ok(unsteady);
        }
        let unsteady = unsteady_functions(connection)?;
        Ok(self.unsteady.get_or_init(|| unsteady))
    }

    fn passed(&self) -> MutexGuard<'_, HashMap<(Call, String), Accepted>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
