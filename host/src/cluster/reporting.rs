//! What each machine says of its processors: which version of the plugin it has, what waits there, and whether a run is
//! under way.
//!
//! Only people read it. So a machine says it last in a round, and only if it differs from what it said before.
//!
//! # Threads
//! The rest of the host notes it here, under a lock that is held for a moment. The thread `cluster` passes it on.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use session_plugin_api::Timestamp;

use super::machine::MachineId;
use crate::{
    names::ProcessorName,
    postgres::{PostgresError, Session},
};

/// A version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PluginSeen {
    /// The version of its package.
    pub version: String,
    /// The version of what it writes.
    pub output: u32,
    /// The digest of its file.
    pub digest: String,
}

/// The sessions of a machine that wait to be processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingSeen {
    /// How many they are.
    pub sessions: u64,
    /// When the one that has waited longest was last written.
    pub oldest: Option<Timestamp>,
    /// When the machine looked, by its own clock.
    pub checked_at: Timestamp,
}

/// What a machine says of one of its processors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its plugin.
    pub plugin: PluginSeen,
    /// What waits there; `None` if nobody has looked.
    pub waiting: Option<WaitingSeen>,
    /// Since when a run is under way, by the clock of the machine.
    pub running_since: Option<Timestamp>,
}

/// What a machine says of its processors.
pub(super) type Reports = BTreeMap<ProcessorName, Report>;

/// What the host has noted for the next round.
#[derive(Default)]
pub(super) struct Notes(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    plugins: BTreeMap<ProcessorName, PluginSeen>,
    waiting: BTreeMap<ProcessorName, WaitingSeen>,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn plugins(&self, plugins: BTreeMap<ProcessorName, PluginSeen>) {
        self.lock().plugins = plugins;
    }

    pub(super) fn waiting(&self, waiting: BTreeMap<ProcessorName, WaitingSeen>) {
        self.lock().waiting = waiting;
    }

    /// What to say, with the runs that are under way.
    pub(super) fn reports(&self, runs: &BTreeMap<ProcessorName, Timestamp>) -> Reports {
        let noted = self.lock();
        let reports = noted.plugins.iter().map(|(processor, plugin)| {
            let report = Report {
                plugin: plugin.clone(),
                waiting: noted.waiting.get(processor).copied(),
                running_since: runs.get(processor).copied(),
            };
            (processor.clone(), report)
        });
        reports.collect()
    }
}

/// Says this of all processors of a machine, and nothing of others any more.
pub(super) fn tell(session: &mut Session, me: MachineId, reports: &Reports) -> Result<(), PostgresError> {
    const DOING: &str = "tell of the processors of this machine";
    let names: Vec<&str> = reports.keys().map(ProcessorName::as_str).collect();
    let micros = |time: Option<Timestamp>| time.map(Timestamp::as_micros);
    let versions: Vec<&str> = reports.values().map(|report| report.plugin.version.as_str()).collect();
    let outputs: Vec<i64> = reports.values().map(|report| report.plugin.output.into()).collect();
    let digests: Vec<&str> = reports.values().map(|report| report.plugin.digest.as_str()).collect();
    let waiting = || reports.values().map(|report| report.waiting);
    let backlogs: Vec<Option<i64>> = waiting()
        .map(|waiting| waiting.map(|waiting| i64::try_from(waiting.sessions).unwrap_or(i64::MAX)))
        .collect();
    let oldest: Vec<Option<i64>> = waiting()
        .map(|waiting| micros(waiting.and_then(|waiting| waiting.oldest)))
        .collect();
    let checked: Vec<Option<i64>> = waiting()
        .map(|waiting| micros(waiting.map(|waiting| waiting.checked_at)))
        .collect();
    let running: Vec<Option<i64>> = reports.values().map(|report| micros(report.running_since)).collect();
    session.in_transaction(DOING, |session| {
        session.execute(DOING, "DELETE FROM session_host_report WHERE machine = $1", &[&me.0])?;
        session.execute(
            DOING,
            "INSERT INTO session_host_report
             SELECT $1, name, version, output, digest, backlog, timestamptz 'epoch' + oldest * interval '1 microsecond',
                    timestamptz 'epoch' + checked * interval '1 microsecond',
                    timestamptz 'epoch' + running * interval '1 microsecond'
             FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
                         $9::bigint[])
                  AS said (name, version, output, digest, backlog, oldest, checked, running)",
            &[
                &me.0, &names, &versions, &outputs, &digests, &backlogs, &oldest, &checked, &running,
            ],
        )
    })?;
    Ok(())
}
