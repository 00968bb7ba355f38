//! The audit log and the schedule's memory: what was run, by whom, and how it ended.

use std::time::Duration;

use duckdb::{Connection, params};
use serde::Serialize;
use session_plugin_api::Timestamp;

use super::{
    error::{Doing, Result},
    migration::in_transaction,
    open::State,
};
use crate::names::ProcessorName;

/// How an audited run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Without a failing session.
    Success,
    /// With failing sessions.
    SessionErrors,
    /// The run itself failed.
    Failed,
}

impl Outcome {
    /// The outcome as it stands in the tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "ok",
            Self::SessionErrors => "errors",
            Self::Failed => "failed",
        }
    }
}

/// An entry of the audit log, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its number, ascending.
    pub id: i64,
    /// When it was written, UTC.
    pub timestamp: String,
    /// Who acted: `cli`, `scheduler` or `admin`.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub resource: String,
    /// What came of it.
    pub params: serde_json::Value,
    /// How it ended.
    pub result: String,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

/// A run that ended, to be written down.
#[derive(Clone, Debug)]
pub struct AuditedRun<'a> {
    /// The processor.
    pub processor: &'a ProcessorName,
    /// Who started the run.
    pub actor: &'a str,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// The run's result as JSON, or why it failed.
    pub details: String,
}

impl State {
    /// Writes a run into the audit log and into the schedule's memory.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn audit_run(&self, run: &AuditedRun<'_>) -> Result<()> {
        let writer = self.writer();
        in_transaction(writer.connection(), "audit a run", |connection| {
            append(connection, run)?;
            let sql = "INSERT INTO processor_schedule VALUES (?, make_timestamp(?), ?)
                       ON CONFLICT (processor_name) DO UPDATE SET
                           last_run_at = excluded.last_run_at, last_outcome = excluded.last_outcome";
            let parameters = params![run.processor.as_str(), run.started_at.as_micros(), run.outcome.as_str()];
            connection
                .execute(sql, parameters)
                .map(drop)
                .doing("note the time of a run")
        })
    }
}

fn append(connection: &Connection, run: &AuditedRun<'_>) -> Result<()> {
    let sql = "INSERT INTO audit_log
               SELECT coalesce(max(id), 0) + 1, make_timestamp(?), ?, ?, ?, ?, ?, ? FROM audit_log";
    let parameters = params![
        run.started_at.as_micros(),
        run.actor,
        format!("run_session_processor:{}", run.processor),
        format!("job:session-processor:{}", run.processor),
        run.details,
        run.outcome.as_str(),
        i64::try_from(run.duration.as_millis()).unwrap_or(i64::MAX),
    ];
    connection
        .execute(sql, parameters)
        .map(drop)
        .doing("write the audit log")
}

/// Lists the latest entries of the audit log, the latest first.
pub(super) fn list(connection: &Connection, limit: u32) -> Result<Vec<AuditEntry>> {
    let doing = "read the audit log";
    let sql = "SELECT id, timestamp::VARCHAR, actor, action, resource, params::VARCHAR, result, duration_ms
               FROM audit_log ORDER BY id DESC LIMIT ?";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([limit], |row| {
        let params: Option<String> = row.get(5)?;
        Ok(AuditEntry {
            id: row.get(0)?,
            timestamp: row.get(1)?,
            actor: row.get(2)?,
            action: row.get(3)?,
            resource: row.get(4)?,
            params: params
                .and_then(|json| serde_json::from_str(&json).ok())
                .unwrap_or_default(),
            result: row.get(6)?,
            duration_ms: row.get(7)?,
        })
    });
    rows.and_then(Iterator::collect).doing(doing)
}
