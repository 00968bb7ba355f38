//! Observes the hosts that share the state with this one, and tells them what waits here.

use std::collections::BTreeMap;

use super::Observations;
use crate::{
    clock,
    cluster::WaitingSeen,
    health::{Warning, of_different_versions, of_silent_hosts, of_unowned_buckets},
    host::Host,
    metrics::ObservedCluster,
    names::ProcessorName,
};

/// The warnings about the other hosts. There are none if nobody shares the state.
pub(super) fn observe(host: &Host, observations: &Observations) -> Vec<Warning> {
    let Some(cluster) = host.cluster() else {
        return Vec::new();
    };
    cluster.note_waiting(waiting(observations));
    // Other hosts commit, too, and do not say so.
    host.results_changed();
    let unowned = cluster.unowned();
    let mut warnings = of_unowned_buckets(&unowned, cluster.lease());
    let sight = cluster.look();
    if let Ok(sight) = &sight {
        warnings.extend(of_silent_hosts(sight, cluster.reached_for()));
        warnings.extend(of_different_versions(sight));
    }
    let catalogue = host.catalogue();
    let names = catalogue.processors().map(|processor| processor.name().clone());
    host.metrics().set_cluster(ObservedCluster {
        counters: cluster.counters(),
        // What cannot be seen now stays as it was.
        machines: sight.ok().map(|sight| sight.machines.len()),
        buckets: names
            .map(|name| {
                let unowned = unowned.get(&name).map_or(0, |unowned| unowned.buckets);
                (name.clone(), (cluster.owned(&name).len(), unowned))
            })
            .collect(),
        clock: cluster.clock_difference(),
    });
    warnings
}

fn waiting(observations: &Observations) -> BTreeMap<ProcessorName, WaitingSeen> {
    let checked_at = clock::now();
    let waiting = observations.iter().map(|(name, processor)| {
        let waiting = WaitingSeen {
            buckets: processor.lags.clone(),
            checked_at,
        };
        (name.clone(), waiting)
    });
    waiting.collect()
}
