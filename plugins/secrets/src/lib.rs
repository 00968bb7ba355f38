//! The processor `secrets`: records which secrets occur in transcripts, where, how often and since when, but never the
//! secrets themselves.

mod concealment;
mod embedded;
mod findings;
mod form;
#[cfg(test)]
mod measure;
mod reports;
mod rows;
#[cfg(test)]
mod rule_files;
mod salt;
mod schema;
mod secret;
mod transcript;

use secret_detector::{RulesInUse, Settings};
use session_plugin_api::prelude::*;

use crate::{findings::SessionFindings, salt::SaltCache, schema::SECRET_FINDINGS};

/// Raised when the same transcript gives other rows than before.
const OUTPUT_VERSION: u32 = 3;

/// The processor `secrets`.
#[derive(Debug, Default)]
struct SecretsProcessor {
    rules: RulesInUse,
    salt: SaltCache,
}

impl SessionProcessor for SecretsProcessor {
    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new("secrets")
            .cadence_minutes(30)
            .output_version(OUTPUT_VERSION)
            .session_table(SECRET_FINDINGS);
        reports::declare(descriptor)
    }

    fn migrations(&self) -> Vec<Migration> {
        schema::migrations()
    }

    fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        let settings: Settings = configuration.parse()?;
        self.rules = RulesInUse::of(&settings)?;
        Ok(())
    }

    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        let rules = self.rules.get()?;
        let found = SessionFindings::of(session, rules);
        if !found.findings.is_empty() {
            let salt = self.salt.get(connection)?;
            connection.replace(SECRET_FINDINGS, rows::rows(session, &found, rules, &salt)?)?;
        }
        Ok(ProcessorResult {
            items_count: found.findings.len() as u64,
        })
    }
}

export_processor!(SecretsProcessor);
