//! The processor `errors`: records which calls, requests and answers failed, were denied or interrupted, and why.

mod calls;
mod classes;
mod ending;
#[cfg(test)]
mod measure;
mod observations;
mod reports;
mod rows;
mod schema;
mod session_errors;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use secret_detector::{RulesInUse, redact};
use session_plugin_api::prelude::*;

use crate::{
    classes::Classes,
    schema::{SESSION_ERRORS, SESSION_OUTCOME},
    session_errors::SessionErrors,
    settings::Settings,
};

/// Raised when the same transcript gives other rows than before.
const PROCESSOR_VERSION: u32 = 3;

/// The processor `errors`.
#[derive(Debug, Default)]
struct ErrorsProcessor {
    classes: OnceLock<Classes>,
    secrets: RulesInUse,
}

impl ErrorsProcessor {
    /// The classes in use. Compiling patterns is slow, and the shipped ones are known to be valid, so they are compiled
    /// on first use.
    fn classes(&self) -> Result<&Classes> {
        match self.classes.get() {
            Some(classes) => Ok(classes),
            None => Classes::shipped().map(|classes| self.classes.get_or_init(|| classes)),
        }
    }
}

impl SessionProcessor for ErrorsProcessor {
    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new("errors")
            .cadence_minutes(30)
            .output_version(PROCESSOR_VERSION)
            .session_table(SESSION_ERRORS)
            .session_table(SESSION_OUTCOME);
        reports::declare(descriptor)
    }

    fn migrations(&self) -> Vec<Migration> {
        schema::migrations()
    }

    fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        let settings: Settings = configuration.parse()?;
        if let Some(file) = settings.rules_file {
            self.classes = OnceLock::from(Classes::with_file(&file)?);
        }
        self.secrets =
            RulesInUse::of(&settings.secrets).map_err(|error| Error::from(error).context("cannot use `secrets`"))?;
        Ok(())
    }

    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        let secrets = self.secrets.get()?;
        let found = SessionErrors::of(session, self.classes()?, |text| redact(text, secrets));
        connection.replace(SESSION_ERRORS, &found.errors)?;
        connection.replace(SESSION_OUTCOME, [&found.outcome])?;
        Ok(ProcessorResult {
            items_count: found.errors.len() as u64,
        })
    }
}

export_processor!(ErrorsProcessor);
