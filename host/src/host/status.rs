//! The progress of each processor, and its run under way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RunListing;
use crate::state::{Pause, Pauses, ProcessorStatus};

/// The listed progress of a processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusListing {
    /// Its progress in the state.
    #[serde(flatten)]
    pub status: ProcessorStatus,
    /// How many sessions wait to be processed; `None` if unknown.
    pub backlog: Option<u64>,
    /// How many of them failed, and wait for their next attempt; `None` if unknown.
    #[serde(default)]
    pub waiting: Option<u64>,
    /// How many sessions are in quarantine; `None` if unknown.
    #[serde(default)]
    pub quarantined: Option<u64>,
    /// Since when, by whom and why it is paused.
    #[serde(default)]
    pub paused: Option<Pause>,
    /// Its run under way.
    pub run: Option<RunListing>,
}

/// The sessions of a processor that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many sessions wait to be processed.
    pub backlog: u64,
    /// How many of them failed, and wait for their next attempt.
    pub waiting: u64,
    /// How many further ones are in quarantine.
    pub quarantined: u64,
}

impl StatusListing {
    /// The progress of the processors in the state, with the sessions that wait, their pauses and runs under way. A processor
    /// that the state does not know yet is listed if it has a backlog, a pause or a run.
    #[must_use]
    pub fn all(
        statuses: Vec<ProcessorStatus>,
        waiting: &BTreeMap<String, Waiting>,
        pauses: &Pauses,
        mut runs: BTreeMap<String, RunListing>,
    ) -> Vec<Self> {
        let mut known: BTreeMap<String, ProcessorStatus> = statuses
            .into_iter()
            .map(|status| (status.processor.clone(), status))
            .collect();
        let busy = waiting
            .iter()
            .filter(|(_, waiting)| waiting.backlog > 0)
            .map(|(name, _)| name);
        for name in busy.chain(pauses.keys()).chain(runs.keys()) {
            known.entry(name.clone()).or_insert_with(|| ProcessorStatus {
                processor: name.clone(),
                ..ProcessorStatus::default()
            });
        }
        let listed = known.into_iter().map(|(name, status)| Self {
            status,
            backlog: waiting.get(&name).map(|waiting| waiting.backlog),
            waiting: waiting.get(&name).map(|waiting| waiting.waiting),
            quarantined: waiting.get(&name).map(|waiting| waiting.quarantined),
            paused: pauses.get(&name).cloned(),
            run: runs.remove(&name),
        });
        listed.collect()
    }
}
