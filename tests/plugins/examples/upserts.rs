//! Counts the sessions of each user by a statement for each session, to measure what a statement costs.

use session_plugin_api::prelude::*;

#[derive(Default)]
struct Upserts;

impl SessionProcessor for Upserts {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("upserts").serial()
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE upserts (username VARCHAR PRIMARY KEY, sessions BIGINT)";
        vec![Migration::new(1, "create upserts", sql)]
    }

    fn process_session(&self, session: &Session<'_>, conn: &Connection<'_>) -> Result<ProcessorResult> {
        conn.execute(
            "INSERT INTO upserts VALUES (?, 1) ON CONFLICT (username) DO UPDATE SET sessions = upserts.sessions + 1",
            &[&session.username()],
        )?;
        Ok(ProcessorResult { items_count: 1 })
    }
}

export_processor!(Upserts);
