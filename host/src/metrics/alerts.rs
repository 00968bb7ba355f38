//! Counts alerts and their deliveries.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::registered;
use crate::state::AlertKind;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfKind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfDelivery {
    outcome: &'static str,
}

/// How a request to the webhook ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The webhook took the alert.
    Delivered,
    /// The webhook did not take it.
    Failed,
}

impl DeliveryOutcome {
    const ALL: [Self; 2] = [Self::Delivered, Self::Failed];

    fn label(self) -> OfDelivery {
        let outcome = match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        };
        OfDelivery { outcome }
    }
}

/// The counters and gauges of alerts. Clones share them.
#[derive(Clone, Debug)]
pub struct AlertMetrics {
    fired: Family<OfKind, Counter>,
    active: Family<OfKind, Gauge>,
    deliveries: Family<OfDelivery, Counter>,
    undelivered: Gauge,
}

impl AlertMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let undelivered = Gauge::default();
        let help = "Alerts of the last day that the webhook has not taken";
        let metrics = Self {
            fired: registered(registry, "alerts", "Alerts that fired, by kind"),
            active: registered(registry, "active_alerts", "Alerts that last, by kind"),
            deliveries: registered(registry, "alert_deliveries", "Requests to the webhook of alerts"),
            undelivered: Gauge::clone(&undelivered),
        };
        registry.register("undelivered_alerts", help, undelivered);
        // Rules see a counter grow only if it was there before.
        for kind in AlertKind::ALL.map(AlertKind::as_str) {
            drop(metrics.fired.get_or_create(&OfKind { kind }));
            drop(metrics.active.get_or_create(&OfKind { kind }));
        }
        for outcome in DeliveryOutcome::ALL {
            drop(metrics.deliveries.get_or_create(&outcome.label()));
        }
        metrics
    }

    /// Counts an alert that fired.
    pub fn count_fired(&self, kind: AlertKind) {
        self.fired.get_or_create(&OfKind { kind: kind.as_str() }).inc();
    }

    /// Counts a request to the webhook.
    pub fn count_delivery(&self, outcome: DeliveryOutcome) {
        self.deliveries.get_or_create(&outcome.label()).inc();
    }

    /// Sets how many alerts of a kind last.
    pub fn set_active(&self, kind: AlertKind, count: usize) {
        let gauge = self.active.get_or_create(&OfKind { kind: kind.as_str() });
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets how many alerts the webhook has yet to take.
    pub fn set_undelivered(&self, count: usize) {
        self.undelivered.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
