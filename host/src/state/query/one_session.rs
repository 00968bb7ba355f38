//! What the state holds of one session.
//!
//! The tables of `usage`, `errors` and `secrets` are known here by name, so that a conversation can show costs, errors and
//! findings at their lines. Without these processors it shows none.

use std::collections::HashMap;

use serde_json::{Value, value::RawValue};

use super::{
    ask::{QueryError, QueryLimits},
    reader::Reader,
};
use crate::{
    names::SessionKey,
    state::{
        engine::sql::quoted,
        error::{Doing, Result},
        rows::table::SESSION_FILE,
    },
};

/// What a processor has stored of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredByProcessor {
    /// The processor.
    pub processor: String,
    /// The version that it has processed.
    pub processed: Option<ProcessedVersion>,
    /// Why it fails.
    pub failure: Option<StoredFailure>,
    /// Its session tables, with the numbers of their rows of the session.
    pub tables: Vec<(String, u64)>,
}

/// The version of a session that a processor has processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessedVersion {
    /// The user that it is recorded for.
    pub username: Option<String>,
    /// When, UTC.
    pub at: String,
    /// The output version that processed it; negative if it is marked to be processed again.
    pub output_version: Option<i64>,
    /// How many items it gave.
    pub items: i64,
    /// The size of the file.
    pub size: Option<i64>,
    /// The lines that could not be read.
    pub unreadable_lines: Option<i64>,
}

/// Why a processor fails on a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFailure {
    /// How it fails.
    pub kind: String,
    /// How many attempts failed.
    pub attempts: i64,
    /// When the last one failed, UTC.
    pub last_failed_at: String,
    /// The error of the last one.
    pub error: String,
}

/// The rows of a table, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Option<String>>>,
}

/// What a processor found at a line of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAtLine {
    /// The line.
    pub line: u64,
    /// Of what kind.
    pub kind: String,
    /// What.
    pub text: String,
}

/// What processors found at lines of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundInSession {
    /// Calls and requests that failed.
    pub errors: Vec<FoundAtLine>,
    /// Secrets.
    pub secrets: Vec<FoundAtLine>,
}

/// What a response cost, and all responses of the session until then.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ResponseCost {
    /// Input that was not in the cache.
    pub input: i64,
    /// Output.
    pub output: i64,
    /// Input read from the cache.
    pub cache_read: i64,
    /// Input written to the cache.
    pub cache_write: i64,
    /// US dollars; `None` if there is no price.
    pub cost: Option<f64>,
    /// The tokens until then.
    pub tokens_so_far: i64,
    /// US dollars until then.
    pub cost_so_far: Option<f64>,
}

/// A message and its request.
pub type ResponseKey = (String, Option<String>);

/// How many errors or secrets of a session are listed.
const FOUND: usize = 500;

impl Reader {
    /// What each processor has stored of a session, by the names of the processors.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn stored_of(&self, session: &SessionKey) -> Result<Vec<StoredByProcessor>> {
        let doing = "read what is stored of a session";
        let mut stored: Vec<StoredByProcessor> = Vec::new();
        let sql = "SELECT processor_name, username, processed_at::VARCHAR, output_version, coalesce(items_extracted, 0), file_size,
                          unreadable_lines
                   FROM session_processor_state WHERE session_file = ?";
        let mut statement = self.link.prepare(sql).doing(doing)?;
        let rows = statement.query_map([session.as_str()], |row| {
            let processed = ProcessedVersion {
                username: row.get(1)?,
                at: row.get(2)?,
                output_version: row.get(3)?,
                items: row.get(4)?,
                size: row.get(5)?,
                unreadable_lines: row.get(6)?,
            };
            Ok((row.get::<_, String>(0)?, processed))
        });
        for row in rows.doing(doing)? {
            let (processor, processed) = row.doing(doing)?;
            of(&mut stored, processor).processed = Some(processed);
        }
        let sql = "SELECT processor_name, kind, attempts, last_failed_at::VARCHAR, error
                   FROM session_processor_failure WHERE session_file = ?";
        let mut statement = self.link.prepare(sql).doing(doing)?;
        let rows = statement.query_map([session.as_str()], |row| {
            let failure = StoredFailure {
                kind: row.get(1)?,
                attempts: row.get(2)?,
                last_failed_at: row.get(3)?,
                error: row.get(4)?,
            };
            Ok((row.get::<_, String>(0)?, failure))
        });
        for row in rows.doing(doing)? {
            let (processor, failure) = row.doing(doing)?;
            of(&mut stored, processor).failure = Some(failure);
        }
        for (processor, table) in self.session_tables()? {
            match self.rows_of(session, &table)? {
                // What never met the session has nothing to tell of it.
                0 if stored.iter().all(|known| known.processor != processor) => {}
                rows => of(&mut stored, processor).tables.push((table, rows)),
            }
        }
        stored.sort_by(|one, other| one.processor.cmp(&other.processor));
        Ok(stored)
    }

    /// The first rows of a session in a table; `None` if it is no session table of a processor.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn first_rows_of(&self, session: &SessionKey, table: &str, limit: usize) -> Result<Option<StoredRows>> {
        if self.session_tables()?.iter().all(|(_, known)| known != table) {
            return Ok(None);
        }
        let doing = "read the rows of a session";
        let sql = format!(
            "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM main.{} WHERE {SESSION_FILE} = ? LIMIT {limit}",
            quoted(table)
        );
        let mut statement = self.link.prepare(&sql).doing(doing)?;
        let mut rows = statement.query([session.as_str()]).doing(doing)?;
        let columns = rows.as_ref().map(duckdb::Statement::column_names).unwrap_or_default();
        let mut stored = StoredRows {
            rows: Vec::new(),
            columns,
        };
        while let Some(row) = rows.next().doing(doing)? {
            let values = (0..stored.columns.len()).map(|place| row.get(place));
            stored.rows.push(values.collect::<duckdb::Result<_>>().doing(doing)?);
        }
        Ok(Some(stored))
    }

    /// The session tables of the processors, each with its processor.
    fn session_tables(&self) -> Result<Vec<(String, String)>> {
        let doing = "list the tables of the sessions";
        let sql = format!(
            "SELECT DISTINCT p.owner, c.table_name
             FROM system.main.duckdb_columns() AS c
             SEMI JOIN system.main.duckdb_tables() AS t USING (table_oid, database_oid)
             JOIN processor_table AS p ON system.main.lower(p.table_name) = system.main.lower(c.table_name)
             WHERE c.schema_name = 'main' AND c.database_name = system.main.current_database()
               AND system.main.lower(c.column_name) = '{SESSION_FILE}' AND c.data_type = 'VARCHAR'
             ORDER BY ALL"
        );
        let mut statement = self.link.prepare(&sql).doing(doing)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.and_then(Iterator::collect).doing(doing)
    }

    fn rows_of(&self, session: &SessionKey, table: &str) -> Result<u64> {
        let sql = format!(
            "SELECT system.main.count(*) FROM main.{} WHERE {SESSION_FILE} = ?",
            quoted(table)
        );
        let rows: i64 = self
            .link
            .query_row(&sql, [session.as_str()], |row| row.get(0))
            .doing("count the rows of a session")?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    /// The errors and secrets that the processors `errors` and `secrets` found in a session, by their lines.
    #[must_use]
    pub fn found_in(&self, session: &SessionKey) -> FoundInSession {
        let found = |sql: &str| {
            self.found(session, sql).unwrap_or_else(|error| {
                // Nobody has such a table, or somebody else has one.
                tracing::debug!("a session has no list of what was found in it: {error}");
                Vec::new()
            })
        };
        FoundInSession {
            errors: found(
                "SELECT line, class || coalesce(', ' || tool_name, ''), message FROM main.session_errors
                 WHERE session_file = ? ORDER BY line LIMIT ?",
            ),
            secrets: found(
                "SELECT first_line, description, preview FROM main.secret_findings
                 WHERE session_file = ? ORDER BY first_line LIMIT ?",
            ),
        }
    }

    fn found(&self, session: &SessionKey, sql: &str) -> Result<Vec<FoundAtLine>> {
        let doing = "read what was found in a session";
        let mut statement = self.link.prepare(sql).doing(doing)?;
        let rows = statement.query_map(duckdb::params![session.as_str(), FOUND], |row| {
            Ok(FoundAtLine {
                line: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
                kind: row.get(1)?,
                text: row.get(2)?,
            })
        });
        rows.and_then(Iterator::collect).doing(doing)
    }

    /// What some responses of a session cost, as the processor `usage` knows it.
    ///
    /// # Errors
    /// When there is no such processor, or the limits are exceeded.
    pub fn costs_in(
        &self,
        session: &SessionKey,
        messages: &[String],
        limits: QueryLimits,
    ) -> Result<HashMap<ResponseKey, ResponseCost>, QueryError> {
        if messages.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = format!(
            "WITH response AS (
                 SELECT message_id, request_id, min(occurred_at) AS told_at, sum(input_tokens) AS input,
                        sum(output_tokens) AS output, sum(cache_read_tokens) AS cache_read,
                        sum(cache_creation_5m_tokens + cache_creation_1h_tokens) AS cache_write, sum(cost_usd) AS cost
                 FROM usage_messages WHERE session_file = ? GROUP BY message_id, request_id
             ),
             running AS (
                 SELECT *, sum(input + output + cache_read + cache_write) OVER earlier AS tokens_so_far,
                        sum(cost) OVER earlier AS cost_so_far
                 FROM response
                 WINDOW earlier AS (ORDER BY told_at, message_id, request_id ROWS UNBOUNDED PRECEDING)
             )
             SELECT message_id, request_id, input::BIGINT, output::BIGINT, cache_read::BIGINT, cache_write::BIGINT, cost,
                    tokens_so_far::BIGINT, cost_so_far
             FROM running WHERE message_id IN ({})",
            vec!["?"; messages.len()].join(", ")
        );
        let names = std::iter::once(session.as_str()).chain(messages.iter().map(String::as_str));
        let parameters: Vec<Value> = names.map(|name| Value::String(name.to_owned())).collect();
        let answer = self.query(&sql, &parameters, limits)?;
        Ok(answer.rows.iter().filter_map(|row| cost_of(row)).collect())
    }
}

/// What is known of a processor.
fn of(stored: &mut Vec<StoredByProcessor>, processor: String) -> &mut StoredByProcessor {
    let place = stored.iter().position(|known| known.processor == processor);
    let place = place.unwrap_or_else(|| {
        stored.push(StoredByProcessor {
            processor,
            ..StoredByProcessor::default()
        });
        stored.len() - 1
    });
    &mut stored[place]
}

fn cost_of(row: &[Box<RawValue>]) -> Option<(ResponseKey, ResponseCost)> {
    let text = |place: usize| serde_json::from_str::<Option<String>>(row.get(place)?.get()).ok()?;
    let count = |place: usize| serde_json::from_str::<i64>(row.get(place)?.get()).ok();
    let amount = |place: usize| serde_json::from_str::<Option<f64>>(row.get(place)?.get()).ok()?;
    let cost = ResponseCost {
        input: count(2)?,
        output: count(3)?,
        cache_read: count(4)?,
        cache_write: count(5)?,
        cost: amount(6),
        tokens_so_far: count(7)?,
        cost_so_far: amount(8),
    };
    Some(((text(0)?, text(1)), cost))
}
