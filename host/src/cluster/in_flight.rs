//! What a run works on stays with its machine.

use std::sync::Arc;

use super::{
    buckets::{BucketCount, Buckets, bucket_of},
    machine::MachineId,
    standing::{Board, Pinned},
};
use crate::names::{ProcessorName, SessionKey};

/// Keeps the buckets of a run with this machine until the run has made its last commit and drops this.
///
/// It is no guard of the commits: a machine that is taken for dead loses its buckets whatever is pinned. Each commit asks
/// PostgreSQL.
#[must_use = "the buckets are given away once this is dropped"]
pub struct InFlight {
    board: Arc<Board>,
    pinned: Pinned,
    processor: ProcessorName,
}

impl InFlight {
    pub(super) fn begin(board: &Arc<Board>, processor: &ProcessorName) -> Option<Self> {
        let pinned = board.pin(processor)?;
        Some(Self {
            board: Arc::clone(board),
            pinned,
            processor: processor.clone(),
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
        self.board.pinned_by(self.pinned.id)
    }

    /// Into how many buckets the sessions of the processor are divided.
    #[must_use]
    pub fn count(&self) -> BucketCount {
        self.pinned.count
    }

    /// Whether the run may process a session.
    #[must_use]
    pub fn has(&self, session: &SessionKey) -> bool {
        self.buckets().contains(bucket_of(session, self.pinned.count))
    }

    /// Whether the run may go on. If not, the others have taken the machine for dead, or may have: its commits would
    /// be refused.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.board.incarnation() == Some(self.pinned.by)
    }

    /// How many buckets of this run other machines wait for. A long run may finish some and release them.
    #[must_use]
    pub fn surplus(&self) -> usize {
        self.board.surplus(&self.processor)
    }

    /// The run works on these buckets no more.
    pub fn release(&self, buckets: Buckets) {
        self.board.release(self.pinned.id, buckets);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.board.unpin(self.pinned.id);
    }
}
