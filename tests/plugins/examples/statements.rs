//! Records each session by a statement, several sessions at once, to measure what statements cost.

use std::{thread, time::Duration};

use serde::Deserialize;
use session_plugin_api::prelude::*;

#[derive(Default)]
struct Statements;

#[derive(Deserialize)]
struct Wanted {
    /// How long to wait first, as for the answer of a model.
    thinks_ms: u64,
}

impl SessionProcessor for Statements {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("statements")
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE statements (session_file VARCHAR PRIMARY KEY, username VARCHAR)";
        vec![Migration::new(1, "create statements", sql)]
    }

    fn process_session(&self, session: &Session<'_>, conn: &Connection<'_>) -> Result<ProcessorResult> {
        for wanted in session.events_as::<Wanted>() {
            thread::sleep(Duration::from_millis(wanted?.thinks_ms));
        }
        conn.execute(
            "INSERT INTO statements VALUES (?, ?) ON CONFLICT DO NOTHING",
            &[&session.session_key(), &session.username()],
        )?;
        Ok(ProcessorResult { items_count: 1 })
    }
}

export_processor!(Statements);
