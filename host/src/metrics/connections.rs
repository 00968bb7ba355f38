//! The connections of clients, counted.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// How many connections there are, and what became of those that had no place. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    open: Gauge,
    evicted: Counter,
    refused: Counter,
}

impl Connections {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let connections = Self::default();
        registry.register(
            "http_connections",
            "Connections that are open",
            connections.open.clone(),
        );
        registry.register(
            "http_connections_evicted",
            "Idle connections that were closed for new ones",
            connections.evicted.clone(),
        );
        registry.register(
            "http_connections_refused",
            "New connections that were refused, since all places were busy",
            connections.refused.clone(),
        );
        connections
    }

    /// Notes how many are open.
    pub fn set_open(&self, open: usize) {
        self.open.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// Counts one that was closed for another.
    pub fn count_evicted(&self) {
        self.evicted.inc();
    }

    /// Counts one that was refused.
    pub fn count_refused(&self) {
        self.refused.inc();
    }
}
