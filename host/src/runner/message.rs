//! What workers tell the thread that conducts the run.

use std::sync::mpsc::SyncSender;

use super::{memory::Held, outcome::Outcome};

/// The number of a worker within its run.
pub(super) type WorkerId = usize;

/// What workers tell the thread that conducts the run.
pub(super) enum Message {
    /// An attempt ended.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// How many bytes of the transcript it read.
        bytes: u64,
        /// What its rows take until they are committed.
        rows: Held,
        /// Where the worker waits for the commit, if it does.
        committed: Option<SyncSender<()>>,
    },
    /// An attempt begins a transaction: what is pending must be committed before.
    CommitEarlier(SyncSender<Result<(), String>>),
    /// The worker has ended.
    Left(WorkerId),
}
