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

use super::{buckets::Bucket, machine::MachineId};
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingSeen {
    /// Those of each bucket in which any wait.
    pub buckets: BTreeMap<Bucket, Lag>,
    /// When the machine looked, by its own clock.
    pub checked_at: Timestamp,
}

/// The sessions of a bucket that wait to be processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// How many they are, at least one.
    pub sessions: u64,
    /// When the one that has waited longest was last written.
    pub oldest: Timestamp,
}

impl WaitingSeen {
    /// How many sessions wait.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        self.buckets.values().map(|lag| lag.sessions).sum()
    }

    /// When the one that has waited longest was last written.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        self.buckets.values().map(|lag| lag.oldest).min()
    }

    /// The buckets as the table has them: by number, the sessions and the microseconds of the oldest.
    fn to_json(&self) -> String {
        let buckets = self.buckets.iter().map(|(bucket, lag)| {
            let lag = serde_json::json!([lag.sessions, lag.oldest.as_micros()]);
            (bucket.number().to_string(), lag)
        });
        serde_json::Value::Object(buckets.collect()).to_string()
    }

    /// The reverse of [`to_json`](Self::to_json). What a newer machine says in another way is left out.
    pub(super) fn from_json(buckets: &str, checked_at: Timestamp) -> Self {
        let said: BTreeMap<i32, (u64, i64)> = serde_json::from_str(buckets).unwrap_or_default();
        let buckets = said.into_iter().filter_map(|(number, (sessions, oldest))| {
            let oldest = Timestamp::from_micros(oldest);
            Some((Bucket::from_number(number)?, Lag { sessions, oldest }))
        });
        Self {
            buckets: buckets.collect(),
            checked_at,
        }
    }
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
                waiting: noted.waiting.get(processor).cloned(),
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
    let waiting = || reports.values().map(|report| report.waiting.as_ref());
    let lags: Vec<Option<String>> = waiting().map(|waiting| waiting.map(WaitingSeen::to_json)).collect();
    let checked: Vec<Option<i64>> = waiting()
        .map(|waiting| micros(waiting.map(|waiting| waiting.checked_at)))
        .collect();
    let running: Vec<Option<i64>> = reports.values().map(|report| micros(report.running_since)).collect();
    session.in_transaction(DOING, |session| {
        session.execute(DOING, "DELETE FROM session_host_report WHERE machine = $1", &[&me.0])?;
        session.execute(
            DOING,
            "INSERT INTO session_host_report
             SELECT $1, name, version, output, digest, lags::jsonb,
                    timestamptz 'epoch' + checked * interval '1 microsecond',
                    timestamptz 'epoch' + running * interval '1 microsecond'
             FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
                  AS said (name, version, output, digest, lags, checked, running)",
            &[&me.0, &names, &versions, &outputs, &digests, &lags, &checked, &running],
        )
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_waits_is_read_as_it_was_said(said: BTreeMap<u8, (u64, i64)>) {
            let buckets = said.into_iter().filter_map(|(number, (sessions, oldest))| {
                let oldest = Timestamp::from_micros(oldest);
                Some((Bucket::from_number(number.into())?, Lag { sessions, oldest }))
            });
            let checked_at = Timestamp::from_micros(1);
            let waiting = WaitingSeen { buckets: buckets.collect(), checked_at };
            prop_assert_eq!(WaitingSeen::from_json(&waiting.to_json(), checked_at), waiting);
        }
    }

    #[test]
    fn a_machine_waits_for_all_its_buckets() {
        let lag = |sessions, oldest| Lag {
            sessions,
            oldest: Timestamp::from_micros(oldest),
        };
        let buckets = [(3, lag(2, 50)), (60, lag(5, 20))];
        let waiting = WaitingSeen {
            buckets: buckets
                .into_iter()
                .filter_map(|(number, lag)| Some((Bucket::from_number(number)?, lag)))
                .collect(),
            checked_at: Timestamp::from_micros(100),
        };
        assert_eq!(waiting.sessions(), 7);
        assert_eq!(waiting.oldest(), Some(Timestamp::from_micros(20)));
    }
}
