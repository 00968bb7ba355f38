//! A plugin of interface 1.0. It uses all of that interface: both ways to write, queries, the configuration, the log, errors,
//! panics, and sessions that are postponed.

use serde::Deserialize;
use session_plugin_api::prelude::*;

#[derive(Default)]
struct Compat {
    greeting: String,
}

row! {
    struct LinesRow<'a> {
        username: &'a str,
        lines: i64,
        greeting: &'a str,
        modified: Timestamp,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    greeting: String,
}

impl SessionProcessor for Compat {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("compat")
            .cadence_minutes(10)
            .output_version(3)
            .session_table("compat_lines")
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE compat_lines (session_file VARCHAR, username VARCHAR, lines BIGINT, greeting VARCHAR,
                                              modified TIMESTAMP);
                   CREATE TABLE compat_users (username VARCHAR PRIMARY KEY, latest BIGINT)";
        vec![Migration::new(1, "create the tables", sql)]
    }

    fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        self.greeting = configuration.parse::<Settings>()?.greeting;
        Ok(())
    }

    #[allow(clippy::panic, reason = "what it is for")]
    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        let text = String::from_utf8_lossy(session.bytes());
        match text.lines().next().unwrap_or_default() {
            "error" => return Err(Error::new("told to fail").context("process")),
            "panic" => panic!("told to panic"),
            "later" => return Err(Error::not_now("told to wait")),
            _ => {}
        }
        let lines = session.events().filter(|event| event.is_ok()).count();
        let (username, n) = (session.username(), lines as i64);
        let sql = "INSERT INTO compat_users VALUES (?, ?) ON CONFLICT (username) DO UPDATE SET latest = excluded.latest";
        connection.execute(sql, &[&username, &n])?;
        let records = connection.query("SELECT latest FROM compat_users WHERE username = ?", &[&username])?;
        let latest: i64 = records.iter().next().map_or(Ok(0), |record| record.get("latest"))?;
        log::warn!(user = username, "the latest session has {latest} lines");
        let row = LinesRow {
            username,
            lines: n,
            greeting: &self.greeting,
            modified: session.modified(),
        };
        connection.replace("compat_lines", [row])?;
        Ok(ProcessorResult {
            items_count: lines as u64,
        })
    }
}

export_processor!(Compat);
