//! The audit log and the records for the schedule: which runs and actions there were, by whom, and how they ended.
//!
//! The log may be pruned at any time. So the schedule has a table of its own, which says when and how each processor
//! last ran.

use std::{collections::HashMap, sync::Arc, time::Duration};

use duckdb::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use session_plugin_api::Timestamp;

use crate::{
    names::ProcessorName,
    state::{
        engine::{instance::Link, sql::in_transaction},
        error::{Doing, Result},
    },
};

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The schedule.
    Scheduler,
    /// Somebody over HTTP or in the page, with the main token.
    Admin,
    /// Somebody over HTTP or in the page, with another token: `viewer:ann`.
    Token(Arc<str>),
    /// A user on the command line.
    Cli,
}

impl Actor {
    /// The actor whose name the audit log shows as this.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let fixed = [Self::Scheduler, Self::Admin, Self::Cli];
        let known = fixed.into_iter().find(|actor| actor.as_str() == name);
        known.unwrap_or_else(|| Self::Token(name.into()))
    }

    /// The actor as it is stored in the tables.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Token(token) => token,
            actor => actor.kind(),
        }
    }

    /// The kind of the actor, for metrics: few values, whoever has a token.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Admin | Self::Token(_) => "admin",
            Self::Cli => "cli",
        }
    }
}

/// How an audited action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Success,
    /// A run with failing sessions.
    SessionErrors,
    /// It failed.
    Failed,
}

impl Outcome {
    /// The outcome as it is stored in the tables.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number, ascending.
    pub id: i64,
    /// When it was written, UTC.
    pub timestamp: String,
    /// Who acted: `cli`, `scheduler`, `admin`, or the role and the name of a token, such as `viewer:ann`.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// The object of the action.
    pub resource: String,
    /// The result.
    pub params: serde_json::Value,
    /// How it ended.
    pub result: String,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

/// An action to be recorded.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: String,
    /// Its object.
    pub resource: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// The result.
    pub params: serde_json::Value,
}

/// The verb of runs in the audit log.
pub(crate) const RUN: &str = "run_session_processor";

impl AuditRecord {
    /// The names of an action on a processor: the action is `VERB:NAME`, the resource `job:session-processor:NAME`.
    #[must_use]
    pub fn names_of(verb: &str, processor: &str) -> (String, String) {
        (
            format!("{verb}:{processor}"),
            format!("job:session-processor:{processor}"),
        )
    }
}

/// Removes the entries of the audit log from before a time; returns their number.
pub(crate) fn prune(connection: &Connection, before: Timestamp) -> Result<usize> {
    let sql = "DELETE FROM audit_log WHERE timestamp < system.main.make_timestamp(?)";
    let removed = connection.execute(sql, [before.as_micros()]);
    removed.doing("remove old entries of the audit log")
}

/// Records a run in the audit log and for the schedule.
pub(crate) fn append_run(link: &Link, processor: &ProcessorName, run: &AuditRecord) -> Result<()> {
    in_transaction(link, "record a run", |connection| {
        append(connection, run)?;
        // Another host may have fired the schedule since this run began.
        let last_run_at = match link.is_attached() {
            true => "system.main.greatest(processor_schedule.last_run_at, excluded.last_run_at)",
            false => "excluded.last_run_at",
        };
        let sql = &format!(
            "INSERT INTO processor_schedule VALUES (?, system.main.make_timestamp(?), ?)
             ON CONFLICT (processor_name) DO UPDATE SET
                 last_run_at = {last_run_at}, last_outcome = excluded.last_outcome"
        );
        let parameters = params![processor.as_str(), run.started_at.as_micros(), run.outcome.as_str()];
        connection
            .execute(sql, parameters)
            .map(drop)
            .doing("record the time of a run")
    })
}

/// Moves the recorded time of a processor's last run to `now`, unless it is later than `seen`, so that another host has moved
/// it since. Returns whether it was moved. It may be earlier than what this host saw, because a run whose end could not be
/// recorded is known to its host alone.
pub(crate) fn move_last_run(
    connection: &Connection,
    processor: &ProcessorName,
    seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    const BEGUN: &str = "begun";
    let doing = "record the time of a run";
    if let Some(seen) = seen {
        let sql = "UPDATE processor_schedule SET last_run_at = system.main.make_timestamp(?1)
                   WHERE processor_name = ?2 AND last_run_at <= system.main.make_timestamp(?3)";
        let parameters = params![now.as_micros(), processor.as_str(), seen.as_micros()];
        if connection.execute(sql, parameters).doing(doing)? == 1 {
            return Ok(true);
        }
    }
    let sql = "INSERT INTO processor_schedule SELECT ?1, system.main.make_timestamp(?2), ?3
               WHERE NOT EXISTS (FROM processor_schedule WHERE processor_name = ?1)";
    let inserted = connection.execute(sql, params![processor.as_str(), now.as_micros(), BEGUN]);
    Ok(inserted.doing(doing)? == 1)
}

/// Records an action in the audit log.
pub(crate) fn append(connection: &Connection, record: &AuditRecord) -> Result<()> {
    let sql = "INSERT INTO audit_log
               SELECT coalesce(system.main.max(id), 0) + 1, system.main.make_timestamp(?), ?, ?, ?, ?, ?, ? FROM audit_log";
    let parameters = params![
        record.started_at.as_micros(),
        record.actor.as_str(),
        record.action,
        record.resource,
        record.params.to_string(),
        record.outcome.as_str(),
        i64::try_from(record.duration.as_millis()).unwrap_or(i64::MAX),
    ];
    connection
        .execute(sql, parameters)
        .map(drop)
        .doing("write the audit log")
}

/// When each processor's last run began.
pub(crate) fn last_runs(connection: &Connection) -> Result<HashMap<String, Timestamp>> {
    let doing = "read the recorded run times";
    let mut statement = connection
        .prepare("SELECT processor_name, system.main.epoch_us(last_run_at) FROM processor_schedule")
        .doing(doing)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?))));
    rows.and_then(Iterator::collect).doing(doing)
}

/// How many sessions the run at a given time processed; `None` if the audit log no longer has such a run.
pub(crate) fn processed_by_run_at(connection: &Connection, processor: &ProcessorName, at: i64) -> Result<Option<u64>> {
    let doing = "read the result of a run";
    let sql = "SELECT params::VARCHAR FROM audit_log
               WHERE action = ? AND result <> 'failed' AND timestamp <= system.main.make_timestamp(?) ORDER BY id DESC LIMIT 1";
    let (action, _) = AuditRecord::names_of(RUN, processor.as_str());
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map(params![action, at], |row| row.get::<_, Option<String>>(0));
    let found: Vec<Option<String>> = rows.and_then(Iterator::collect).doing(doing)?;
    let params = found.into_iter().next().flatten();
    let result: Option<serde_json::Value> = params.and_then(|json| serde_json::from_str(&json).ok());
    Ok(result.and_then(|result| result.get("processed")?.as_u64()))
}

/// Why the last run of each processor failed, for those where it did.
pub(crate) fn failed_runs(connection: &Connection) -> Result<HashMap<String, String>> {
    let doing = "look for runs that failed";
    // Refused runs are in the audit log too, but not in the table of the schedule.
    let sql = "SELECT processor_name, params::VARCHAR FROM processor_schedule JOIN audit_log
               ON action = ? || ':' || processor_name AND timestamp = last_run_at
               WHERE last_outcome = 'failed' AND result = 'failed'";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([RUN], |row| Ok((row.get(0)?, detail_of(row.get(1)?))));
    rows.and_then(Iterator::collect).doing(doing)
}

/// The reason that an entry gives for having no result.
fn detail_of(params: Option<String>) -> String {
    let params: Option<serde_json::Value> = params.and_then(|json| serde_json::from_str(&json).ok());
    let detail = params.as_ref().and_then(|params| params.get("detail")?.as_str());
    detail.unwrap_or("see `session-host runs`").to_owned()
}

/// Lists the latest runs, the latest first.
pub(crate) fn list(connection: &Connection, limit: u32) -> Result<Vec<AuditEntry>> {
    let doing = "read the audit log";
    let sql = "SELECT id, timestamp::VARCHAR, actor, action, resource, params::VARCHAR, result, duration_ms
               FROM audit_log WHERE system.main.starts_with(action, 'run_session_processor:') ORDER BY id DESC LIMIT ?";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([limit], entry);
    rows.and_then(Iterator::collect).doing(doing)
}

/// The entry of a row: number, time, actor, action, object, result as JSON, outcome, duration.
pub(super) fn entry(row: &Row<'_>) -> duckdb::Result<AuditEntry> {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    #[test]
    fn the_time_of_a_run_moves_unless_another_host_has_moved_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.duckdb")).unwrap();
        let usage: ProcessorName = "usage".parse().unwrap();
        let moves = |seen: Option<i64>, now: i64| {
            let (seen, now) = (seen.map(Timestamp::from_micros), Timestamp::from_micros(now));
            state
                .write(|writer| move_last_run(writer.link(), &usage, seen, now))
                .unwrap()
        };
        let recorded = || state.reader().unwrap().last_runs().unwrap()["usage"].as_micros();
        assert!(moves(Some(5), 10), "nothing is recorded");
        assert!(!moves(None, 11) && !moves(Some(9), 11), "another host was first");
        assert_eq!(recorded(), 10);
        assert!(moves(Some(10), 20));
        // The run of 20 began at 21, and its end could not be recorded.
        assert!(moves(Some(21), 30));
        assert_eq!(recorded(), 30);
    }
}
