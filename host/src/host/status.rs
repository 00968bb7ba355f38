//! How far each processor is, and what it does now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RunListing;
use crate::state::ProcessorStatus;

/// How far a processor is, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusListing {
    /// What the state tells of it.
    #[serde(flatten)]
    pub status: ProcessorStatus,
    /// How many sessions wait to be processed; `None` where nobody has looked.
    pub backlog: Option<u64>,
    /// Its run under way.
    pub run: Option<RunListing>,
}

impl StatusListing {
    /// What the state tells of the processors, with their backlogs and the runs under way. A processor that the state does
    /// not know yet is listed where it has something to do.
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
