//! The messages of the workers to the conductor.

use std::sync::mpsc::{SyncSender, sync_channel};

use super::{memory::Held, outcome::Outcome, shared_transaction::Settled};

/// The number of a worker within its run.
pub(super) type WorkerId = usize;

/// A message of a worker to the conductor.
pub(super) enum Message {
    /// An attempt ended.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// How many bytes of the transcript it read.
        bytes: u64,
        /// The memory that its rows hold until they are committed.
        rows: Held,
    },
    /// Sessions that shared a transaction were committed.
    Settled(Settled),
    /// An attempt opens a transaction: the sessions that wait must be committed first.
    CommitEarlier(SyncSender<Result<(), String>>),
    /// The worker has ended.
    Left(WorkerId),
}

/// Asks the conductor to commit the processor's earlier sessions whose attempts have ended; waits until it has.
pub(super) fn commit_earlier(messages: &SyncSender<Message>) -> Result<(), String> {
    let ended = || "the run has ended".to_owned();
    let (reply, answer) = sync_channel(1);
    messages.send(Message::CommitEarlier(reply)).map_err(|_| ended())?;
    answer.recv().map_err(|_| ended())?
}
