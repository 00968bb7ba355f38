//! What the host concludes from the errors of the state.

use std::io;

use super::StateError;
use crate::state::{conflict::Conflict, trouble::Trouble};

impl StateError {
    /// What the transaction met, if the same work may succeed if it is repeated.
    #[must_use]
    pub fn conflict(&self) -> Option<Conflict> {
        match self {
            Self::Statement { source, .. } => source.conflict(),
            _ => None,
        }
    }

    /// Whether the state or its disk failed, and not the statement. DuckDB also reports an I/O error if a query names a
    /// file that does not exist.
    #[must_use]
    pub fn is_of_the_disk(&self) -> bool {
        let names_no_file = matches!(self, Self::Statement { source, .. } if source.names_no_file());
        self.is_fatal() && !names_no_file
    }

    /// Whether every other statement would fail too, so that no SQL and no session is to blame.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Statement { source, .. } => source.is_fatal(),
            Self::Lost { .. }
            | Self::Troubled { .. }
            | Self::Closed { .. }
            | Self::Gone { .. }
            | Self::SchemaInFlux
            | Self::Recorded { .. }
            | Self::MigratedMeanwhile { .. }
            | Self::ForgottenMeanwhile { .. }
            | Self::Fenced { .. } => true,
            Self::Checkpoint { source, .. }
            | Self::Folder { source, .. }
            | Self::Lock { source, .. }
            | Self::Copy { source, .. } => Trouble::of_system(source).is_some(),
            _ => false,
        }
    }

    /// Whether the database of a shared state is out of reach or takes no writes. The log tells of that by itself.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Troubled { trouble, .. } => matches!(trouble, Trouble::Server | Trouble::Standby),
            Self::NotAdmitted(error) => error.is_outage(),
            _ => false,
        }
    }

    /// Whether only the connection to a shared state failed, or others did the work of this host.
    #[must_use]
    pub fn is_of_the_connection(&self) -> bool {
        match self {
            Self::Fenced { .. } | Self::ForgottenMeanwhile { .. } | Self::Recorded { .. } | Self::SchemaInFlux => true,
            Self::Troubled { trouble, .. } => {
                matches!(trouble, Trouble::Server | Trouble::Standby | Trouble::Invalidated)
            }
            _ => false,
        }
    }

    /// Whether the state is unusable until somebody repairs it, so that a restart does not help.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::InUse { .. }
            | Self::NotADatabase { .. }
            | Self::NotAFile { .. }
            | Self::IsALink { .. }
            | Self::NewerSchema { .. }
            | Self::NewerSharedSchema { .. }
            | Self::NoExtension { .. }
            | Self::Unattached { .. }
            | Self::Forbidden { .. }
            | Self::LegacyTaken { .. }
            | Self::Open { .. } => true,
            Self::NotAdmitted(error) => error.is_lasting(),
            Self::Troubled { trouble, .. } => *trouble == Trouble::Damaged,
            Self::Checkpoint { source, .. } | Self::Folder { source, .. } | Self::Lock { source, .. } => {
                source.kind() == io::ErrorKind::PermissionDenied
            }
            Self::Missing { .. }
            | Self::MissingShared { .. }
            | Self::Gone { .. }
            | Self::Copy { .. }
            | Self::CopyDiffers { .. }
            | Self::Closed { .. }
            | Self::Fenced { .. }
            | Self::MigratedMeanwhile { .. }
            | Self::ForgottenMeanwhile { .. }
            | Self::Recorded { .. }
            | Self::Unreadable { .. }
            | Self::SchemaInFlux
            | Self::SnapshotOutdated { .. }
            | Self::Snapshot { .. }
            | Self::Statement { .. }
            | Self::Batch { .. }
            | Self::Lost { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_by_itself_asks_for_no_backup() {
        let outdated = StateError::SnapshotOutdated {
            reason: "a migration has changed the tables since".to_owned(),
        };
        for error in [StateError::SchemaInFlux, outdated] {
            assert!(!error.is_lasting(), "{error}");
            assert!(!error.to_string().contains("backup"), "{error}");
        }
        // No session is to blame.
        assert!(StateError::SchemaInFlux.is_fatal());
    }
}
