//! Counts the connections of clients.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// The open, evicted and refused connections. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    open: Gauge,
    evicted: Counter,
    refused: Counter,
}

impl Connections {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let connections = Self::default();
        registry.register("http_connections", "Open connections", connections.open.clone());
        registry.register(
            "http_connections_evicted",
            "Idle connections closed for new ones",
            connections.evicted.clone(),
        );
        registry.register(
            "http_connections_refused",
            "New connections refused because no idle one could be closed for them",
            connections.refused.clone(),
        );
        connections
    }

    /// Sets the number of open connections.
    pub fn set_open(&self, open: usize) {
        self.open.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// Counts an idle connection that was closed for a new one.
    pub fn count_evicted(&self) {
        self.evicted.inc();
    }

    /// Counts a refused connection.
    pub fn count_refused(&self) {
        self.refused.inc();
    }
}
