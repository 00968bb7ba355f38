//! The hosts that share the state: how this one gets on with them.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{gauges::set, labels::OfProcessor, registered};
use crate::{
    cluster::{ClockDifference, Counters},
    names::ProcessorName,
    state::Encounters,
};

/// What a host has observed of itself among others.
#[derive(Clone, Debug)]
pub struct ObservedCluster {
    /// What has happened since the start.
    pub counters: Counters,
    /// How many machines there are, if that could be seen.
    pub machines: Option<usize>,
    /// How many buckets of each processor this host owns, and how many nobody owns.
    pub buckets: BTreeMap<ProcessorName, (usize, usize)>,
    /// How far its clock is ahead of that of PostgreSQL.
    pub clock: Option<ClockDifference>,
}

#[derive(Debug, Default)]
pub(super) struct ClusterMetrics {
    renewals: Counter,
    renewal_failures: Counter,
    take_overs: Counter,
    fenced: Counter,
    conflicts: Family<OfProcessor, Counter>,
    recorded_already: Family<OfProcessor, Counter>,
    machines: Gauge,
    owned: Family<OfProcessor, Gauge>,
    unowned: Family<OfProcessor, Gauge>,
    clock_difference: Gauge<f64, AtomicU64>,
}

impl ClusterMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            conflicts: registered(
                registry,
                "commit_conflicts",
                "Transactions that were rejected because others wrote the same rows or keys",
            ),
            recorded_already: registered(
                registry,
                "sessions_recorded_already",
                "Sessions that a commit found recorded already",
            ),
            owned: registered(registry, "owned_buckets", "Buckets that this host owns"),
            unowned: registered(registry, "unowned_buckets", "Buckets that nobody owns"),
            ..Self::default()
        };
        let counters = [
            ("renewals", "Renewals of the leases of this host", &metrics.renewals),
            (
                "renewal_failures",
                "Rounds of renewing, taking over and sharing that failed",
                &metrics.renewal_failures,
            ),
            ("take_overs", "Dead hosts that this one took over", &metrics.take_overs),
            (
                "fenced",
                "How often other hosts took this one for dead",
                &metrics.fenced,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register("machines", "Hosts that share the state", metrics.machines.clone());
        registry.register_with_unit(
            "clock_difference",
            "How far the clock of this machine is ahead of that of PostgreSQL",
            Unit::Seconds,
            metrics.clock_difference.clone(),
        );
        metrics
    }

    pub(super) fn observe_encounters(&self, processor: &ProcessorName, encounters: &Encounters) {
        let label = OfProcessor::new(processor);
        self.conflicts.get_or_create(&label).inc_by(encounters.conflicts());
        self.recorded_already
            .get_or_create(&label)
            .inc_by(encounters.recorded_already());
    }

    /// The counters only grow, so they may be set.
    pub(super) fn set(&self, observed: ObservedCluster) {
        let Counters {
            renewals,
            failed_rounds,
            take_overs,
            fenced,
        } = observed.counters;
        let counters = [
            (&self.renewals, renewals),
            (&self.renewal_failures, failed_rounds),
            (&self.take_overs, take_overs),
            (&self.fenced, fenced),
        ];
        for (counter, count) in counters {
            counter.inner().store(count, Ordering::Relaxed);
        }
        if let Some(machines) = observed.machines {
            self.machines.set(i64::try_from(machines).unwrap_or(i64::MAX));
        }
        if let Some(clock) = observed.clock {
            self.clock_difference.set(clock.micros as f64 / 1e6);
        }
        self.owned.clear();
        self.unowned.clear();
        for (processor, (owned, unowned)) in observed.buckets {
            let label = OfProcessor::new(&processor);
            set(&self.owned, &label, owned as u64);
            set(&self.unowned, &label, unowned as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metrics::Metrics, state::Judged};

    #[test]
    fn what_a_host_observes_of_itself_among_others_is_told() {
        let metrics = Metrics::default();
        let usage: ProcessorName = "usage".parse().unwrap();
        let observed = |renewals, machines| ObservedCluster {
            counters: Counters {
                renewals,
                failed_rounds: 2,
                take_overs: 1,
                fenced: 0,
            },
            machines,
            buckets: BTreeMap::from([(usage.clone(), (32, 4))]),
            clock: Some(ClockDifference {
                micros: -1_500_000,
                uncertain_micros: 100,
            }),
        };
        metrics.set_cluster(observed(6, Some(3)));
        metrics.set_cluster(observed(7, None));
        let encounters = Encounters::default();
        encounters.add_recorded_already(5);
        for judged in [Judged::Repeat, Judged::Fails, Judged::GiveUp] {
            encounters.add_judged(judged);
        }
        metrics.observe_encounters(&usage, &Encounters::default());
        metrics.observe_encounters(&usage, &encounters);
        let text = metrics.encode([]);
        for line in [
            "session_host_renewals_total 7",
            "session_host_renewal_failures_total 2",
            "session_host_take_overs_total 1",
            "session_host_fenced_total 0",
            "session_host_machines 3",
            r#"session_host_owned_buckets{processor="usage"} 32"#,
            r#"session_host_unowned_buckets{processor="usage"} 4"#,
            r#"session_host_commit_conflicts_total{processor="usage"} 2"#,
            r#"session_host_sessions_recorded_already_total{processor="usage"} 5"#,
            "session_host_clock_difference_seconds -1.5",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
