//! A whole processor: counts the lines of each session.

use session_plugin_api::prelude::*;

#[derive(Default)]
struct Lines;

row! {
    struct SessionLines<'a> {
        username: &'a str,
        lines: i64,
    }
}

impl SessionProcessor for Lines {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("lines")
            .cadence_minutes(10)
            .session_table("session_lines")
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE session_lines (session_file VARCHAR NOT NULL, username VARCHAR, lines BIGINT)";
        vec![Migration::new(1, "create session_lines", sql)]
    }

    fn process_session(&self, session: &Session<'_>, conn: &Connection<'_>) -> Result<ProcessorResult> {
        let lines = session.events().filter(|event| event.is_ok()).count();
        let username = session.username();
        conn.replace(
            "session_lines",
            [SessionLines {
                username,
                lines: lines as i64,
            }],
        )?;
        Ok(ProcessorResult {
            items_count: lines as u64,
        })
    }
}

export_processor!(Lines);
