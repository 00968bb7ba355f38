//! The warnings of health.

use std::fmt;

use serde::Serialize;

/// A problem, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What it is, for programs.
    pub kind: WarningKind,
    /// What it is and what to do, for people.
    pub message: String,
}

impl Warning {
    /// A warning of this kind.
    pub fn new(kind: WarningKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WarningKind {
    /// The last run failed as a whole.
    Failed,
    /// Every new session of the latest runs failed.
    Failing,
    /// Transcripts are written, and none is processed.
    Lagging,
    /// A session has waited too long.
    Stuck,
    /// Sessions failed so often that no run attempts them.
    Quarantined,
    /// The processor refuses its configuration, or its code cannot be started.
    Unavailable,
    /// An attempt does not return.
    Wedged,
    /// The host rejects a file of the plugins directory.
    Rejected,
    /// A plugin ended the host.
    Crashed,
    /// The plugins directory has no plugin.
    Empty,
    /// Health has not been checked for too long.
    Stale,
    /// The sessions directory does not exist, or has lost its transcripts.
    Missing,
    /// Files or folders below the sessions directory cannot be read.
    Unreadable,
    /// Little is free on the disk of the state.
    Disk,
    /// The state cannot be read or written.
    State,
    /// Forgotten data is still in the state file.
    Purge,
    /// A host that shares the state is silent or fenced, or nobody owns some sessions.
    Hosts,
    /// The clock of this machine is apart from that of PostgreSQL.
    Clock,
    /// The hosts that share the state have different versions.
    Versions,
    /// An alert that the operator asked for lasts, or cannot be evaluated or delivered.
    Alert,
}

impl WarningKind {
    /// The kinds of problems of a processor.
    pub const OF_PROCESSORS: [Self; 7] = [
        Self::Failed,
        Self::Failing,
        Self::Lagging,
        Self::Stuck,
        Self::Quarantined,
        Self::Unavailable,
        Self::Wedged,
    ];

    /// The kinds of problems of the whole service.
    pub const OF_THE_SERVICE: [Self; 13] = [
        Self::Rejected,
        Self::Crashed,
        Self::Empty,
        Self::Stale,
        Self::Missing,
        Self::Unreadable,
        Self::Disk,
        Self::State,
        Self::Purge,
        Self::Hosts,
        Self::Clock,
        Self::Versions,
        Self::Alert,
    ];

    /// The kind, for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Failing => "failing",
            Self::Lagging => "lagging",
            Self::Stuck => "stuck",
            Self::Quarantined => "quarantined",
            Self::Unavailable => "unavailable",
            Self::Wedged => "wedged",
            Self::Rejected => "rejected",
            Self::Crashed => "crashed",
            Self::Empty => "empty",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Disk => "disk",
            Self::State => "state",
            Self::Purge => "purge",
            Self::Hosts => "hosts",
            Self::Clock => "clock",
            Self::Versions => "versions",
            Self::Alert => "alert",
        }
    }
}

impl fmt::Display for WarningKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind, in the order of the manual.
    fn kinds() -> impl Iterator<Item = WarningKind> {
        WarningKind::OF_PROCESSORS
            .into_iter()
            .chain(WarningKind::OF_THE_SERVICE)
    }

    #[test]
    fn the_manual_has_exactly_one_entry_for_each_kind() {
        let manual = include_str!("../../../docs/operators-guide.md");
        let (_, runbook) = manual.split_once("\n## When health warns\n").unwrap();
        let (runbook, _) = runbook.split_once("\n## ").unwrap();
        let entries: Vec<&str> = runbook
            .lines()
            .filter_map(|line| line.strip_prefix("### "))
            .filter(|title| !title.contains(' '))
            .collect();
        for kind in kinds() {
            assert!(entries.contains(&kind.as_str()), "no entry for {kind}");
        }
        assert_eq!(entries.len(), kinds().count(), "{entries:?}");
    }

    #[test]
    fn the_description_of_the_interface_has_each_kind() {
        let description: serde_json::Value = serde_json::from_str(include_str!("../http/openapi.json")).unwrap();
        let described = &description["components"]["schemas"]["Warning"]["properties"]["kind"]["enum"];
        let known: Vec<serde_json::Value> = kinds().map(|kind| serde_json::to_value(kind).unwrap()).collect();
        assert_eq!(described.as_array().unwrap(), &known);
        assert!(kinds().all(|kind| serde_json::to_value(kind).unwrap() == kind.as_str()));
    }
}
