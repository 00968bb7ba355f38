//! A processor with reports. Each line of a transcript that has a `written_at` is a row of its table `reporting_lines`:
//!
//! ```json
//! {"written_at":"2026-03-08T05:00:00Z","project":"shop","tokens":3,"cost":0.25}
//! ```

use serde::Deserialize;
use session_plugin_api::prelude::*;

/// The processor without its reports.
#[derive(Debug)]
pub struct Reporting;

#[derive(Deserialize)]
struct Written {
    written_at: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    tokens: i64,
    #[serde(default)]
    cost: f64,
}

row! {
    struct LineRow {
        username: String,
        project: String,
        written_at: Option<Timestamp>,
        tokens: i64,
        cost: f64,
    }
}

impl Reporting {
    /// The descriptor, without reports.
    #[must_use]
    pub fn descriptor() -> Descriptor {
        Descriptor::new("reporting").session_table("reporting_lines")
    }

    /// The migrations.
    #[must_use]
    pub fn migrations() -> Vec<Migration> {
        let sql = "CREATE TABLE reporting_lines (session_file VARCHAR, username VARCHAR, project VARCHAR,
                   written_at TIMESTAMP, tokens BIGINT, cost DOUBLE)";
        vec![Migration::new(1, "lines", sql)]
    }

    /// Stores a row for each line.
    ///
    /// # Errors
    /// When the host refuses the rows.
    pub fn process_session(session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        let written = session
            .lines()
            .filter_map(|line| serde_json::from_slice::<Written>(line.bytes).ok());
        let rows: Vec<LineRow> = written
            .map(|line| LineRow {
                username: session.username().to_owned(),
                project: line.project,
                written_at: Timestamp::parse(&line.written_at),
                tokens: line.tokens,
                cost: line.cost,
            })
            .collect();
        let items_count = rows.len() as u64;
        connection.replace("reporting_lines", rows)?;
        Ok(ProcessorResult { items_count })
    }
}
