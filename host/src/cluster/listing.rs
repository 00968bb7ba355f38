//! The machines as lists show them.

use serde::Serialize;

use super::{
    looking::{MachineSeen, Sight, TakeOver},
    reporting::{Report, WaitingSeen},
};
use crate::clock::text_of;

/// How many of the buckets that have waited longest are shown to people.
const LONGEST_WAITING: usize = 10;

/// The machines that share a state, as the command, the HTTP interface and the page list them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClusterListing {
    /// Whether several machines may share the state: not if it is in a file.
    pub shared: bool,
    /// The machines, by name.
    pub machines: Vec<MachineListing>,
    /// What each machine has of each processor, by processor; then what nobody owns.
    pub processors: Vec<ProcessorListing>,
    /// The last take-overs, newest first.
    pub take_overs: Vec<TakeOverListing>,
}

/// A listed machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MachineListing {
    /// Its name.
    pub name: String,
    /// The number of its incarnation.
    pub incarnation: i64,
    /// The version of session-host that runs there.
    pub version: String,
    /// When it last renewed, on the clock of PostgreSQL: RFC 3339 in UTC.
    pub renewed_at: String,
    /// How long ago that was, on the same clock.
    pub renewed_seconds_ago: f64,
    /// For how many seconds it may be silent until others take it over.
    pub lease_seconds: f64,
}

/// What a machine has of a processor, or what nobody has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessorListing {
    /// The processor. What one machine does for all has the name `session-host`.
    pub processor: String,
    /// The name of the machine; null for what nobody owns.
    pub machine: Option<String>,
    /// The number of its incarnation.
    pub incarnation: Option<i64>,
    /// How many buckets it owns.
    pub buckets: usize,
    /// How many sessions of these buckets wait to be processed; null if the machine has not looked.
    pub backlog: Option<u64>,
    /// When the one that has waited longest was last written.
    pub oldest: Option<String>,
    /// What waits in each of these buckets in which anything waits, by number.
    pub lags: Vec<LagListing>,
    /// When the machine looked, by its own clock.
    pub checked_at: Option<String>,
    /// Since when a run is under way there, by the clock of the machine.
    pub running_since: Option<String>,
    /// The version of the plugin's package there.
    pub plugin_version: Option<String>,
    /// The version of what the plugin writes.
    pub output_version: Option<u32>,
    /// The digest of the plugin's file.
    pub digest: Option<String>,
}

/// What waits in a bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LagListing {
    /// The number of the bucket.
    pub bucket: i32,
    /// How many sessions wait to be processed.
    pub backlog: u64,
    /// When the one that has waited longest was last written: RFC 3339 in UTC.
    pub oldest: String,
}

/// A listed take-over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TakeOverListing {
    /// When, on the clock of PostgreSQL: RFC 3339 in UTC.
    pub at: String,
    /// The name of the machine that was taken for dead.
    pub dead: String,
    /// The incarnation that ended.
    pub dead_incarnation: i64,
    /// The incarnation that took it over.
    pub by_incarnation: i64,
}

impl From<&Sight> for ClusterListing {
    fn from(sight: &Sight) -> Self {
        let mut processors: Vec<ProcessorListing> = sight.machines.iter().flat_map(of_machine).collect();
        let unowned = sight.unowned.iter();
        processors
            .extend(unowned.map(|(processor, buckets)| ProcessorListing::new(processor, None, buckets.len(), None)));
        // The sort is stable, so what nobody owns comes last.
        processors.sort_by(|one, other| one.processor.cmp(&other.processor));
        Self {
            shared: true,
            machines: sight.machines.iter().map(MachineListing::from).collect(),
            processors,
            take_overs: sight.take_overs.iter().map(TakeOverListing::from).collect(),
        }
    }
}

impl ClusterListing {
    /// The buckets that have waited longest, and whose they are.
    #[must_use]
    pub fn longest_waiting(&self) -> Vec<(&ProcessorListing, &LagListing)> {
        let all = self
            .processors
            .iter()
            .flat_map(|processor| processor.lags.iter().map(move |lag| (processor, lag)));
        let mut waiting: Vec<_> = all.collect();
        waiting.sort_by(|(_, one), (_, other)| one.oldest.cmp(&other.oldest));
        waiting.truncate(LONGEST_WAITING);
        waiting
    }
}

/// What a machine owns, and what it has a plugin for although it owns nothing.
fn of_machine(machine: &MachineSeen) -> Vec<ProcessorListing> {
    let mut names: Vec<&String> = machine.owned.keys().chain(machine.reports.keys()).collect();
    names.sort();
    names.dedup();
    let listed = names.into_iter().map(|processor| {
        let buckets = machine.owned.get(processor).copied().unwrap_or_default();
        ProcessorListing::new(processor, Some(machine), buckets.len(), machine.reports.get(processor))
    });
    listed.collect()
}

impl ProcessorListing {
    fn new(processor: &str, machine: Option<&MachineSeen>, buckets: usize, report: Option<&Report>) -> Self {
        let waiting = report.and_then(|report| report.waiting.as_ref());
        Self {
            processor: processor.to_owned(),
            machine: machine.map(|machine| machine.machine.name.clone()),
            incarnation: machine.map(|machine| machine.id.number()),
            buckets,
            backlog: waiting.map(WaitingSeen::sessions),
            oldest: waiting.and_then(WaitingSeen::oldest).map(text_of),
            lags: waiting.map(lags).unwrap_or_default(),
            checked_at: waiting.map(|waiting| text_of(waiting.checked_at)),
            running_since: report.and_then(|report| report.running_since).map(text_of),
            plugin_version: report.map(|report| report.plugin.version.clone()),
            output_version: report.map(|report| report.plugin.output),
            digest: report.map(|report| report.plugin.digest.clone()),
        }
    }
}

fn lags(waiting: &WaitingSeen) -> Vec<LagListing> {
    let lags = waiting.buckets.iter().map(|(bucket, lag)| LagListing {
        bucket: bucket.number(),
        backlog: lag.sessions,
        oldest: text_of(lag.oldest),
    });
    lags.collect()
}

impl From<&MachineSeen> for MachineListing {
    fn from(seen: &MachineSeen) -> Self {
        Self {
            name: seen.machine.name.clone(),
            incarnation: seen.id.number(),
            version: seen.machine.version.clone(),
            renewed_at: text_of(seen.seen),
            renewed_seconds_ago: seen.age.as_secs_f64(),
            lease_seconds: seen.lease.as_secs_f64(),
        }
    }
}

impl From<&TakeOver> for TakeOverListing {
    fn from(take_over: &TakeOver) -> Self {
        Self {
            at: text_of(take_over.at),
            dead: take_over.dead_name.clone(),
            dead_incarnation: take_over.dead.number(),
            by_incarnation: take_over.by.number(),
        }
    }
}
