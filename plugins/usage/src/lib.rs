//! What tools, skills, subagents, MCP servers and slash commands people use: with what errors, tokens and cost.

mod activity;
mod catalogue;
mod commands;
mod events;
mod invocation;
mod prices;
mod response;
mod responses;
mod rows;
#[cfg(test)]
mod samples;
mod schema;
mod session_usage;
mod settings;
mod summary;
mod tokens;

use session_plugin_api::prelude::*;

use crate::{
    catalogue::Catalogue,
    prices::Prices,
    schema::{USAGE_EVENTS, USAGE_STORED_MESSAGES, USAGE_STORED_SESSIONS},
    session_usage::SessionUsage,
    settings::Settings,
};

/// Grows when the same transcript gives other rows than before.
const PROCESSOR_VERSION: u32 = 2;

/// The processor `usage`.
#[derive(Debug, Default)]
struct UsageProcessor {
    catalogue: Catalogue,
    prices: Prices,
}

impl SessionProcessor for UsageProcessor {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("usage")
            .cadence_minutes(10)
            .output_version(PROCESSOR_VERSION)
            .session_table(USAGE_EVENTS)
            .session_table(USAGE_STORED_SESSIONS)
            .session_table(USAGE_STORED_MESSAGES)
    }

    fn migrations(&self) -> Vec<Migration> {
        schema::migrations()
    }

    fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        let settings: Settings = configuration.parse()?;
        self.prices = Prices::with_overrides(settings.prices)?;
        self.catalogue = Catalogue {
            curated_plugins: settings.curated_plugins,
            flea_entities: settings.flea_entities,
        };
        Ok(())
    }

    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        let usage = SessionUsage::of(session, &self.catalogue, &self.prices);
        connection.replace(USAGE_EVENTS, &usage.events)?;
        connection.replace(USAGE_STORED_MESSAGES, &usage.messages)?;
        connection.replace(USAGE_STORED_SESSIONS, [&usage.summary])?;
        Ok(ProcessorResult {
            items_count: usage.events.len() as u64,
        })
    }
}

export_processor!(UsageProcessor);
