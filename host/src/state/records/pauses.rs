//! Which processors are paused, and why: a pause lasts until someone resumes the processor.

use std::{collections::BTreeMap, fmt};

use duckdb::{Connection, params};
use serde::{Deserialize, Serialize};
use session_plugin_api::Timestamp;

use crate::{
    clock,
    names::ProcessorName,
    state::{
        error::{Doing, Result},
        records::audit::Actor,
    },
};

/// Why a processor starts no runs, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The reason that was given.
    pub reason: Option<String>,
    /// Who paused it: `cli` or `admin`.
    pub actor: String,
    /// When, RFC 3339 in UTC.
    pub paused_at: String,
}

impl fmt::Display for Pause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            reason,
            actor,
            paused_at,
        } = self;
        write!(formatter, "paused since {paused_at} by {actor}")?;
        match reason {
            Some(reason) => write!(formatter, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// The paused processors, by their names.
pub type Pauses = BTreeMap<String, Pause>;

/// Pauses a processor; the reason of an earlier pause is replaced.
pub(crate) fn pause(
    connection: &Connection,
    processor: &ProcessorName,
    reason: Option<&str>,
    actor: &Actor,
) -> Result<Pause> {
    let now = clock::now();
    let sql = "INSERT INTO processor_pause VALUES (?, ?, ?, system.main.make_timestamp(?))
               ON CONFLICT (processor_name) DO UPDATE SET
                   reason = excluded.reason, actor = excluded.actor, paused_at = excluded.paused_at";
    let parameters = params![processor.as_str(), reason, actor.as_str(), now.as_micros()];
    connection.execute(sql, parameters).doing("pause a processor")?;
    Ok(Pause {
        reason: reason.map(str::to_owned),
        actor: actor.as_str().to_owned(),
        paused_at: clock::text_of(now),
    })
}

/// Ends a pause; whether there was one.
pub(crate) fn resume(connection: &Connection, processor: &ProcessorName) -> Result<bool> {
    let sql = "DELETE FROM processor_pause WHERE processor_name = ?";
    let resumed = connection.execute(sql, [processor.as_str()]);
    Ok(resumed.doing("resume a processor")? > 0)
}

/// Whether the state knows a processor: it has processed sessions or failed, has run, or has tables.
pub(crate) fn is_known(connection: &Connection, processor: &ProcessorName) -> Result<bool> {
    let sql = "SELECT EXISTS (FROM session_processor_state WHERE processor_name = ?1)
                   OR EXISTS (FROM session_processor_failure WHERE processor_name = ?1)
                   OR EXISTS (FROM processor_schedule WHERE processor_name = ?1)
                   OR EXISTS (FROM schema_migration WHERE owner = ?1 AND owner <> 'host')";
    connection
        .query_row(sql, [processor.as_str()], |row| row.get(0))
        .doing("look for a processor")
}

/// Replaces the reasons that `is_meant` by a text; tells nothing of how many.
pub(crate) fn replace_reasons(connection: &Connection, is_meant: impl Fn(&str) -> bool, by: &str) -> Result<()> {
    let doing = "remove a subject from the reasons of pauses";
    for (processor, pause) in list(connection)? {
        if pause.reason.is_some_and(|reason| is_meant(&reason)) {
            let sql = "UPDATE processor_pause SET reason = ? WHERE processor_name = ?";
            connection.execute(sql, params![by, processor]).doing(doing)?;
        }
    }
    Ok(())
}

/// The paused processors.
pub(crate) fn list(connection: &Connection) -> Result<Pauses> {
    let doing = "list the paused processors";
    let sql = "SELECT processor_name, reason, actor, system.main.epoch_us(paused_at) FROM processor_pause";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([], |row| {
        let pause = Pause {
            reason: row.get(1)?,
            actor: row.get(2)?,
            paused_at: clock::text_of(Timestamp::from_micros(row.get(3)?)),
        };
        Ok((row.get(0)?, pause))
    });
    rows.and_then(Iterator::collect).doing(doing)
}
