//! What a run works on stays with its machine.

use std::sync::Arc;

use super::{
    buckets::{BucketCount, Buckets},
    machine::MachineId,
    standing::{Board, Pinned},
};
use crate::names::ProcessorName;

/// Keeps the buckets of a run with this machine until the run has made its last commit and drops this.
///
/// It is no guard of the commits: a machine that is taken for dead loses its buckets whatever is pinned. Each commit asks
/// PostgreSQL.
#[must_use = "the buckets are given away once this is dropped"]
pub struct InFlight {
    board: Arc<Board>,
    pinned: Pinned,
}

impl InFlight {
    pub(super) fn begin(board: &Arc<Board>, processor: &ProcessorName) -> Option<Self> {
        let pinned = board.pin(processor)?;
        Some(Self {
            board: Arc::clone(board),
            pinned,
        })
    }

    /// The incarnation that the commits of the run name.
    #[must_use]
    pub fn incarnation(&self) -> MachineId {
        self.pinned.by
    }

    /// The buckets whose sessions the run may process.
    #[must_use]
    pub fn buckets(&self) -> Buckets {
        self.pinned.buckets
    }

    /// Into how many buckets the sessions of the processor are divided.
    #[must_use]
    pub fn count(&self) -> BucketCount {
        self.pinned.count
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.board.unpin(self.pinned.id);
    }
}
