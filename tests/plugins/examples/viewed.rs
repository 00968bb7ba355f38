//! Counts the sessions of each user by a row for each session and a view, to measure what that costs.

use session_plugin_api::prelude::*;

#[derive(Default)]
struct Viewed;

row! {
    struct ViewedSession<'a> {
        username: &'a str,
    }
}

impl SessionProcessor for Viewed {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("viewed").session_table("viewed_sessions")
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE viewed_sessions (session_file VARCHAR, username VARCHAR);
                   CREATE VIEW viewed AS
                       SELECT username, system.main.count(*) AS sessions FROM viewed_sessions GROUP BY username";
        vec![Migration::new(1, "create viewed", sql)]
    }

    fn process_session(&self, session: &Session<'_>, conn: &Connection<'_>) -> Result<ProcessorResult> {
        let username = session.username();
        conn.replace("viewed_sessions", [ViewedSession { username }])?;
        Ok(ProcessorResult { items_count: 1 })
    }
}

export_processor!(Viewed);
