//! Gives as many rows as its transcript says, to measure how fast rows reach the database.

use std::{thread, time::Duration};

use serde::Deserialize;
use session_plugin_api::prelude::*;

#[derive(Default)]
struct Wide;

#[derive(Deserialize)]
struct Wanted {
    rows: i64,
    /// How long to wait first, as for the answer of a model.
    #[serde(default)]
    thinks_ms: u64,
}

row! {
    struct WideRow<'a> {
        number: i64,
        word: &'a str,
        share: Option<f64>,
        occurred_at: Timestamp,
    }
}

const WORDS: [&str; 4] = ["Bash", "Read", "mcp__tracker__search_issues", "Edit"];

fn row(number: i64) -> WideRow<'static> {
    WideRow {
        number,
        word: WORDS[number.unsigned_abs() as usize % WORDS.len()],
        share: (number % 10 != 0).then_some(number as f64 / 3.0),
        occurred_at: Timestamp::from_micros(1_700_000_000_000_000 + number),
    }
}

impl SessionProcessor for Wide {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("wide").session_table("wide_rows")
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE wide_rows
                   (session_file VARCHAR, number BIGINT, word VARCHAR, share DOUBLE, occurred_at TIMESTAMP)";
        vec![Migration::new(1, "create wide_rows", sql)]
    }

    fn process_session(&self, session: &Session<'_>, conn: &Connection<'_>) -> Result<ProcessorResult> {
        let mut items_count = 0;
        for wanted in session.events_as::<Wanted>() {
            let Wanted { rows, thinks_ms } = wanted?;
            thread::sleep(Duration::from_millis(thinks_ms));
            conn.replace("wide_rows", (0..rows).map(row))?;
            items_count += rows.unsigned_abs();
        }
        Ok(ProcessorResult { items_count })
    }
}

export_processor!(Wide);
