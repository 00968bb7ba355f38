//! What workers tell the conductor.

use std::sync::mpsc::{SyncSender, sync_channel};

use super::{memory::Held, outcome::Outcome};

/// The number of a worker within its run.
pub(super) type WorkerId = usize;

/// What workers tell the conductor.
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

/// Lets the conductor commit the processor's earlier sessions, as far as their attempts have ended; waits until it has.
pub(super) fn commit_earlier(messages: &SyncSender<Message>) -> Result<(), String> {
    let ended = || "the run has ended".to_owned();
    let (reply, answer) = sync_channel(1);
    messages.send(Message::CommitEarlier(reply)).map_err(|_| ended())?;
    answer.recv().map_err(|_| ended())?
}
