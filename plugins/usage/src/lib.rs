//! The processor `usage`: records the use of tools, skills, subagents, MCP servers and slash commands, with errors,
//! tokens and cost.

mod activity;
mod catalogue;
mod commands;
mod events;
mod invocation;
mod price_list;
mod prices;
mod reports;
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
    prices::Pricing,
    schema::{
        USAGE_COST_SETTING, USAGE_EVENTS, USAGE_PRICE_FACTORS, USAGE_PRICE_NAMES, USAGE_PRICES, USAGE_STORED_MESSAGES,
        USAGE_STORED_SESSIONS,
    },
    session_usage::SessionUsage,
    settings::Settings,
};

/// Raised when the same transcript gives other rows than before.
const PROCESSOR_VERSION: u32 = 2;

/// The processor `usage`.
#[derive(Debug, Default)]
struct UsageProcessor {
    catalogue: Catalogue,
    pricing: Pricing,
}

impl SessionProcessor for UsageProcessor {
    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new("usage")
            .cadence_minutes(10)
            .output_version(PROCESSOR_VERSION)
            .session_table(USAGE_EVENTS)
            .session_table(USAGE_STORED_SESSIONS)
            .session_table(USAGE_STORED_MESSAGES)
            .reference_table(USAGE_PRICES)
            .reference_table(USAGE_PRICE_NAMES)
            .reference_table(USAGE_PRICE_FACTORS)
            .reference_table(USAGE_COST_SETTING);
        reports::declare(descriptor)
    }

    fn migrations(&self) -> Vec<Migration> {
        schema::migrations()
    }

    fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        let settings: Settings = configuration.parse()?;
        self.pricing = Pricing::new(settings.cost, settings.prices)?;
        self.catalogue = Catalogue {
            curated_plugins: settings.curated_plugins,
            flea_entities: settings.flea_entities,
        };
        Ok(())
    }

    fn reference_rows(&self, tables: &mut ReferenceTables<'_>) -> Result<()> {
        self.pricing.give(tables)
    }

    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        let usage = SessionUsage::of(session, &self.catalogue);
        connection.replace(USAGE_EVENTS, &usage.events)?;
        connection.replace(USAGE_STORED_MESSAGES, &usage.messages)?;
        connection.replace(USAGE_STORED_SESSIONS, [&usage.summary])?;
        Ok(ProcessorResult {
            items_count: usage.events.len() as u64,
        })
    }
}

export_processor!(UsageProcessor);
