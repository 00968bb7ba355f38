//! The processor `search`: keeps the texts of transcripts without their secrets, so that people can search them.

mod arguments;
mod masked;
mod reports;
mod rows;
mod schema;
mod settings;
mod texts;

use secret_detector::RulesInUse;
use session_plugin_api::prelude::*;

use crate::{
    masked::masked_name,
    rows::SearchText,
    schema::{SEARCH_TEXTS, SEARCHED},
    settings::Settings,
    texts::Texts,
};

/// Raised when the same transcript gives other rows than before.
const OUTPUT_VERSION: u32 = 1;

/// The processor `search`.
#[derive(Debug, Default)]
struct SearchProcessor {
    secrets: RulesInUse,
}

impl SessionProcessor for SearchProcessor {
    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new("search")
            .cadence_minutes(15)
            .output_version(OUTPUT_VERSION)
            .session_table(SEARCH_TEXTS)
            .searchable(SEARCHED);
        reports::declare(descriptor)
    }

    fn migrations(&self) -> Vec<Migration> {
        schema::migrations()
    }

    fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        let settings: Settings = configuration.parse()?;
        self.secrets =
            RulesInUse::of(&settings.secrets).map_err(|error| Error::from(error).context("cannot use `secrets`"))?;
        Ok(())
    }

    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        let secrets = self.secrets.get()?;
        let texts = Texts::of(session);
        let project = texts.project.as_deref().map(|project| masked_name(project, secrets));
        let mut rows = Vec::with_capacity(texts.all.len());
        for (text, part) in texts.all.iter().zip(1..) {
            // Looking for secrets takes nearly all of the time.
            if session.cancelled() {
                return Err(Error::not_now("the texts are not all searched for secrets yet"));
            }
            rows.push(SearchText::of(session, project.as_deref(), text, part, secrets));
        }
        connection.replace(SEARCH_TEXTS, &rows)?;
        Ok(ProcessorResult {
            items_count: rows.len() as u64,
        })
    }
}

export_processor!(SearchProcessor);
