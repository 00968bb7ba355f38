//! A plugin for the tests of growth: an item is a line.

use session_plugin_api::prelude::*;

#[derive(Default)]
struct Growth;

impl SessionProcessor for Growth {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("growth")
    }

    fn process_session(&self, session: &Session<'_>, _: &Connection<'_>) -> Result<ProcessorResult> {
        Ok(ProcessorResult {
            items_count: session.lines().count() as u64,
        })
    }
}

export_processor!(Growth);
