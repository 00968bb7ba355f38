//! Tells runs to stop.
//!
//! # Threads
//! Any thread or task may request the stop, which cannot be revoked. Threads poll for it, and tasks wait for it.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use tokio::sync::Notify;

/// Tells runs to stop: they begin no attempts, and those in flight may end. Clones share the request.
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
    /// Requests the stop.
    pub fn stop(&self) {
        self.shared.since.get_or_init(Instant::now);
        self.shared.stopped.notify_waiters();
    }

    /// When the stop was requested; `None` if it was not.
    #[must_use]
    pub fn stopped_at(&self) -> Option<Instant> {
        self.shared.since.get().copied()
    }

    /// Waits until the stop is requested.
    pub async fn stopped(&self) {
        let mut stopped = std::pin::pin!(self.shared.stopped.notified());
        // From here on no request is missed: an earlier one shows in `since`.
        stopped.as_mut().enable();
        if self.stopped_at().is_none() {
            stopped.await;
        }
    }
}
