//! What the state holds of one session.
//!
//! The tables of `usage`, `errors` and `secrets` are known here by name, so that a conversation can show costs, errors and
//! findings at their lines. Without these processors it shows none.

use std::collections::HashMap;

use serde_json::{Value, value::RawValue};

use super::{
    ask::{QueryError, QueryLimits, guarded},
    reader::Reader,
};
use crate::{
    names::SessionKey,
    state::{
        engine::sql::{quoted, text},
        error::{Doing, Result},
        records::attempts::SessionAttempts,
        rows::table::SESSION_FILE,
    },
};

/// What a processor has stored of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredByProcessor {
    /// What it made of the session.
    pub attempts: SessionAttempts,
    /// Its session tables, with the numbers of their rows of the session.
    pub tables: Vec<(String, u64)>,
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

/// How many characters of a cell are read. They are more than a page shows, so that a secret at the end of these is found.
const LONGEST_CELL: usize = 16 << 10;

/// A table of what a processor finds.
struct FoundTable {
    name: &'static str,
    /// The columns that the SELECT names.
    columns: &'static [&'static str],
    /// The lines, the kinds and the texts of a session's rows.
    sql: &'static str,
}

const ERRORS: FoundTable = FoundTable {
    name: "session_errors",
    columns: &[SESSION_FILE, "line", "class", "tool_name", "message"],
    sql: "SELECT TRY_CAST(line AS BIGINT), CAST(class AS VARCHAR) || coalesce(', ' || CAST(tool_name AS VARCHAR), ''),
                 CAST(message AS VARCHAR)
          FROM main.session_errors WHERE session_file = ? ORDER BY line LIMIT ?",
};

const SECRETS: FoundTable = FoundTable {
    name: "secret_findings",
    columns: &[SESSION_FILE, "first_line", "description", "preview"],
    sql: "SELECT TRY_CAST(first_line AS BIGINT), CAST(description AS VARCHAR), CAST(preview AS VARCHAR)
          FROM main.secret_findings WHERE session_file = ? ORDER BY first_line LIMIT ?",
};

impl Reader {
    /// What each processor has stored of a session, by the names of the processors.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn stored_of(&self, session: &SessionKey) -> Result<Vec<StoredByProcessor>> {
        let attempts = self.attempts(session)?.into_iter();
        let mut stored: Vec<StoredByProcessor> = attempts
            .map(|attempts| StoredByProcessor {
                attempts,
                tables: Vec::new(),
            })
            .collect();
        for (processor, table) in self.session_tables()? {
            let rows = self.rows_of(session, &table)?;
            let known = stored.iter().position(|known| known.attempts.processor == processor);
            match known {
                Some(place) => stored[place].tables.push((table, rows)),
                // What never met the session has nothing to tell of it.
                None if rows == 0 => {}
                None => stored.push(StoredByProcessor {
                    attempts: SessionAttempts {
                        processor,
                        processed: None,
                        failed: None,
                    },
                    tables: vec![(table, rows)],
                }),
            }
        }
        stored.sort_by(|one, other| one.attempts.processor.cmp(&other.attempts.processor));
        Ok(stored)
    }

    /// The first rows of a session in a table, while the memory of the process grows by at most so many bytes; `None` if it is
    /// no session table of a processor. Of a long cell, it gives the beginning.
    ///
    /// # Errors
    /// When the state cannot be read, or that takes too much memory.
    pub fn first_rows_of(
        &self,
        session: &SessionKey,
        table: &str,
        limit: usize,
        memory: u64,
    ) -> Result<Option<StoredRows>, QueryError> {
        guarded(&self.link, memory, || {
            if self.session_tables()?.iter().all(|(_, known)| known != table) {
                return Ok(None);
            }
            Ok(Some(self.first_rows(session, table, limit)?))
        })
    }

    fn first_rows(&self, session: &SessionKey, table: &str, limit: usize) -> Result<StoredRows> {
        let doing = "read the rows of a session";
        let sql = format!(
            "SELECT system.main.substr(CAST(COLUMNS(*) AS VARCHAR), 1, {LONGEST_CELL})
             FROM main.{} WHERE {SESSION_FILE} = ? ORDER BY rowid LIMIT {limit}",
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
        Ok(stored)
    }

    /// The session tables of the processors, each with its processor.
    fn session_tables(&self) -> Result<Vec<(String, String)>> {
        let doing = "list the tables of the sessions";
        let sql = format!(
            "SELECT DISTINCT p.owner, c.table_name
             FROM system.main.duckdb_columns() AS c
             SEMI JOIN system.main.duckdb_tables() AS t USING (table_oid, database_oid)
             JOIN main.processor_table AS p ON system.main.lower(p.table_name) = system.main.lower(c.table_name)
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

    /// The errors and secrets that the processors `errors` and `secrets` found in a session, by their lines. None without
    /// these processors, or if somebody else has such a table.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn found_in(&self, session: &SessionKey) -> Result<FoundInSession> {
        Ok(FoundInSession {
            errors: self.found(session, &ERRORS)?,
            secrets: self.found(session, &SECRETS)?,
        })
    }

    fn found(&self, session: &SessionKey, table: &FoundTable) -> Result<Vec<FoundAtLine>> {
        let doing = "read what was found in a session";
        if !self.has_columns(table.name, table.columns)? {
            return Ok(Vec::new());
        }
        let mut statement = self.link.prepare(table.sql).doing(doing)?;
        let rows = statement.query_map(duckdb::params![session.as_str(), FOUND], |row| {
            let line: Option<i64> = row.get(0)?;
            Ok(FoundAtLine {
                line: line.and_then(|line| u64::try_from(line).ok()).unwrap_or(0),
                kind: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                text: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            })
        });
        rows.and_then(Iterator::collect).doing(doing)
    }

    /// Whether there is such a table or view with its columns. The views of an attached database are in the instance.
    fn has_columns(&self, table: &str, columns: &[&str]) -> Result<bool> {
        let names: Vec<String> = columns.iter().map(|column| text(column)).collect();
        let sql = format!(
            "SELECT system.main.count(*) FROM system.main.duckdb_columns()
             WHERE schema_name = 'main' AND database_name IN (system.main.current_database(), 'memory')
               AND system.main.lower(table_name) = {} AND system.main.lower(column_name) IN ({})",
            text(table),
            names.join(", ")
        );
        let known: i64 = self
            .link
            .query_row(&sql, [], |row| row.get(0))
            .doing("look for a table of a processor")?;
        Ok(usize::try_from(known).is_ok_and(|known| known == columns.len()))
    }

    /// What some responses of a session cost, as the processor `usage` knows it. Nothing without this processor.
    ///
    /// # Errors
    /// When the state cannot be read, or the limits are exceeded.
    pub fn costs_in(
        &self,
        session: &SessionKey,
        messages: &[String],
        limits: QueryLimits,
    ) -> Result<HashMap<ResponseKey, ResponseCost>, QueryError> {
        if messages.is_empty() || !self.has_columns("usage_messages", &[SESSION_FILE, "message_id", "cost_usd"])? {
            return Ok(HashMap::new());
        }
        let sql = format!(
            "WITH response AS (
                 SELECT message_id, request_id, system.main.min(occurred_at) AS told_at,
                        system.main.sum(input_tokens) AS input, system.main.sum(output_tokens) AS output,
                        system.main.sum(cache_read_tokens) AS cache_read,
                        system.main.sum(cache_creation_5m_tokens + cache_creation_1h_tokens) AS cache_write,
                        system.main.sum(cost_usd) AS cost
                 FROM main.usage_messages WHERE session_file = ? GROUP BY message_id, request_id
             ),
             running AS (
                 SELECT *, system.main.sum(input + output + cache_read + cache_write) OVER earlier AS tokens_so_far,
                        system.main.sum(cost) OVER earlier AS cost_so_far
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
