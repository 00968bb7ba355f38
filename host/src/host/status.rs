//! The progress of each processor, and its run under way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RunListing;
use crate::state::ProcessorStatus;

/// The listed progress of a processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusListing {
    /// Its progress in the state.
    #[serde(flatten)]
    pub status: ProcessorStatus,
    /// How many sessions wait to be processed; `None` if unknown.
    pub backlog: Option<u64>,
    /// Its run under way.
    pub run: Option<RunListing>,
}

impl StatusListing {
    /// The progress of the processors in the state, with their backlogs and runs under way. A processor that the state does
    /// not know yet is listed if it has a backlog or a run.
    #[must_use]
    pub fn all(
        statuses: Vec<ProcessorStatus>,
        backlogs: &BTreeMap<String, u64>,
        mut runs: BTreeMap<String, RunListing>,
    ) -> Vec<Self> {
        let mut known: BTreeMap<String, ProcessorStatus> = statuses
            .into_iter()
            .map(|status| (status.processor.clone(), status))
            .collect();
        let busy = backlogs
            .iter()
            .filter(|(_, waiting)| **waiting > 0)
            .map(|(name, _)| name);
        for name in busy.chain(runs.keys()) {
            known.entry(name.clone()).or_insert_with(|| ProcessorStatus {
                processor: name.clone(),
                ..ProcessorStatus::default()
            });
        }
        let listed = known.into_iter().map(|(name, status)| Self {
            status,
            backlog: backlogs.get(&name).copied(),
            run: runs.remove(&name),
        });
        listed.collect()
    }
}
