//! What the routes of the page share.

use std::{sync::Arc, time::Duration};

use super::{
    entry::{notices::Notices, spent::Spent, throttle::Throttle},
    texts::Clock,
};
use crate::http::Service;

/// The service, and what the page keeps in memory. Clones share it.
#[derive(Clone)]
pub(super) struct Web {
    /// The service.
    pub(super) service: Service,
    /// How long a sign-in lasts.
    pub(super) visit: Duration,
    /// What the page keeps in memory.
    pub(super) memory: Arc<Memory>,
}

/// What the page keeps in memory. All of it is forgotten when the service ends.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The codes that somebody has used.
    pub(super) codes: Spent,
    /// The visits that have ended before their time.
    pub(super) visits: Spent,
    /// The addresses that sent wrong tokens.
    pub(super) throttle: Throttle,
    /// What the next page tells each visitor.
    pub(super) notices: Notices,
}

impl Web {
    /// The clock of the people who look at the page.
    pub(super) fn clock(&self) -> Clock {
        Clock::new(self.service.host.settings().timezone.rules().clone())
    }

    pub(super) fn new(service: Service, visit: Duration) -> Self {
        Self {
            service,
            visit,
            memory: Arc::default(),
        }
    }
}
