//! The wish to end.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

/// Tells runs to end: no new attempts, those in flight may finish. Clones share the wish.
#[derive(Clone, Debug, Default)]
pub struct StopToken {
    since: Arc<OnceLock<Instant>>,
}

impl StopToken {
    /// Wishes the end.
    pub fn stop(&self) {
        self.since.get_or_init(Instant::now);
    }

    /// Since when the end is wished; `None` while it is not.
    #[must_use]
    pub fn stopped_at(&self) -> Option<Instant> {
        self.since.get().copied()
    }
}
