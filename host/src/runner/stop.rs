//! The wish to end.
//!
//! # Threads
//! Any thread or task may wish the end, once and for all. Threads ask for it, tasks wait for it.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use tokio::sync::Notify;

/// Tells runs to end: no new attempts, those in flight may finish. Clones share the wish.
#[derive(Clone, Debug, Default)]
pub struct StopToken {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    since: OnceLock<Instant>,
    stopped: Notify,
}

impl StopToken {
    /// Wishes the end.
    pub fn stop(&self) {
        self.shared.since.get_or_init(Instant::now);
        self.shared.stopped.notify_waiters();
    }

    /// Since when the end is wished; `None` while it is not.
    #[must_use]
    pub fn stopped_at(&self) -> Option<Instant> {
        self.shared.since.get().copied()
    }

    /// Waits until the end is wished.
    pub async fn stopped(&self) {
        let mut stopped = std::pin::pin!(self.shared.stopped.notified());
        // From here on no wish is missed: one from before shows in `since`.
        stopped.as_mut().enable();
        if self.stopped_at().is_none() {
            stopped.await;
        }
    }
}
