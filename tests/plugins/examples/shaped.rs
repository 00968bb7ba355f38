//! A plugin whose tables the environment tells: `SHAPED_MIGRATIONS` and `SHAPED_TABLES`, each a JSON array of texts.

use std::env;

use session_host_test_plugins::session_plugin_api::{export_processor, prelude::*};

#[derive(Default)]
struct Shaped;

impl SessionProcessor for Shaped {
    fn descriptor(&self) -> Descriptor {
        let tables = told("SHAPED_TABLES");
        tables
            .into_iter()
            .fold(Descriptor::new("shaped"), Descriptor::session_table)
    }

    fn migrations(&self) -> Vec<Migration> {
        let numbered = (1..).zip(told("SHAPED_MIGRATIONS"));
        numbered
            .map(|(version, sql)| Migration::new(version, "as told", sql))
            .collect()
    }

    fn process_session(&self, _session: &Session<'_>, _conn: &Connection<'_>) -> Result<ProcessorResult> {
        Ok(ProcessorResult::default())
    }
}

fn told(variable: &str) -> Vec<String> {
    let json = env::var(variable).unwrap_or_default();
    serde_json::from_str(&json).unwrap_or_default()
}

export_processor!(Shaped);
