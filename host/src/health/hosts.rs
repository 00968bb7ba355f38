//! The warnings of a host that shares its state with others.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::warning::{Warning, WarningKind};
use crate::{
    cluster::{CONTROL, ClockDifference, Cluster, MachineSeen, Sight, Standing, Unowned},
    names::ProcessorName,
};

/// How far clocks may be apart, in microseconds.
const APART: u64 = 1_000_000;

/// What this host knows of itself without asking PostgreSQL, so it knows also while PostgreSQL does not answer.
#[must_use]
pub fn of_this_host(cluster: &Cluster) -> Vec<Warning> {
    let unreachable = cluster.trouble().as_deref().map(unreachable);
    let standing = doubtful(cluster.standing());
    let clock = cluster.clock_difference().and_then(apart);
    unreachable.into_iter().chain(standing).chain(clock).collect()
}

/// The hosts that are silent for longer than they may be. `reached_for` is for how long this host has reached PostgreSQL again
/// after an outage, before which nobody could renew.
#[must_use]
pub fn of_silent_hosts(sight: &Sight, reached_for: Option<Duration>) -> Vec<Warning> {
    let could_renew = |machine: &&MachineSeen| reached_for.is_none_or(|reached| machine.lease <= reached);
    let silent = sight.machines.iter().filter(|machine| machine.is_silent());
    silent.filter(could_renew).map(silent_warning).collect()
}

/// What nobody owns for longer than a machine may be silent.
#[must_use]
pub fn of_unowned_buckets(unowned: &BTreeMap<ProcessorName, Unowned>, lease: Duration) -> Vec<Warning> {
    let long = unowned.iter().filter(|(_, unowned)| unowned.age > lease);
    let told = long.map(|(processor, Unowned { buckets, age })| {
        let message = format!(
            "nobody has owned {buckets} buckets of processor {processor} for {} s, so nobody processes their sessions: install the same version of the plugin on all hosts; `session-host cluster` shows who has which",
            age.as_secs()
        );
        Warning::new(WarningKind::Hosts, message)
    });
    told.collect()
}

fn unreachable(trouble: &str) -> Warning {
    let message = format!(
        "this host cannot agree with the others: {trouble}; it begins no run meanwhile, and goes on by itself once PostgreSQL answers"
    );
    Warning::new(WarningKind::State, message)
}

fn doubtful(standing: Standing) -> Option<Warning> {
    let message = match standing {
        Standing::Joined(_) | Standing::Left => return None,
        Standing::Doubtful(_) => {
            "this host has not renewed its leases in time, so others may take its work over: check the network to PostgreSQL, and whether this computer was suspended or overloaded; the host goes on by itself"
        }
        Standing::Fenced => {
            "the other hosts took this one for dead and have its work; it joins anew by itself: check the network to PostgreSQL, and whether this computer was suspended or overloaded"
        }
    };
    Some(Warning::new(WarningKind::Hosts, message))
}

fn apart(clock: ClockDifference) -> Option<Warning> {
    let least = clock
        .micros
        .unsigned_abs()
        .saturating_sub(clock.uncertain_micros.unsigned_abs());
    (least > APART).then(|| {
        let seconds = Duration::from_micros(clock.micros.unsigned_abs()).as_secs_f64();
        let direction = if clock.micros > 0 { "ahead of" } else { "behind" };
        let message = format!(
            "the clock of this computer is {seconds:.1} s {direction} that of PostgreSQL: set both by the same time servers, such as with chrony; until then, times that hosts record do not fit together"
        );
        Warning::new(WarningKind::Clock, message)
    })
}

fn silent_warning(machine: &MachineSeen) -> Warning {
    let message = format!(
        "host {} (incarnation {}) has not renewed for {} s, and nobody has taken it over yet: if that lasts, a transaction that the others cannot end locks its row; while one of them waits for it, `{}` gives the number of its connection: as a superuser, end that with `SELECT pg_terminate_backend(NUMBER)`",
        machine.machine.name,
        machine.id,
        machine.age.as_secs(),
        blocking()
    );
    Warning::new(WarningKind::Hosts, message)
}

/// SQL for people: whom the hosts wait for.
fn blocking() -> String {
    format!(
        "SELECT pg_blocking_pids(pid) FROM pg_stat_activity WHERE application_name = '{CONTROL}' AND datname = current_database()"
    )
}

/// The hosts of each version, by what they have a version of.
#[must_use]
pub fn of_different_versions(sight: &Sight) -> Vec<Warning> {
    let mut of_hosts: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut of_plugins: BTreeMap<&str, BTreeMap<String, BTreeSet<&str>>> = BTreeMap::new();
    for machine in &sight.machines {
        let name = machine.machine.name.as_str();
        of_hosts
            .entry(machine.machine.version.clone())
            .or_default()
            .insert(name);
        for (processor, report) in &machine.reports {
            let plugin = &report.plugin;
            let digest = plugin.digest.get(..12).unwrap_or(&plugin.digest);
            let version = format!("{} (output version {}, digest {digest})", plugin.version, plugin.output);
            let of_plugin = of_plugins.entry(processor).or_default();
            of_plugin.entry(version).or_default().insert(name);
        }
    }
    let hosts = (of_hosts.len() > 1).then(|| {
        let message = format!(
            "the hosts run different versions of session-host: {}; upgrade them all to the newest",
            told(&of_hosts)
        );
        Warning::new(WarningKind::Versions, message)
    });
    let plugins = of_plugins.iter().filter(|(_, versions)| versions.len() > 1);
    let plugins = plugins.map(|(processor, versions)| {
        let message = format!(
            "the hosts have different versions of the plugin of processor {processor}: {}; install the same file on all of them, and reload",
            told(versions)
        );
        Warning::new(WarningKind::Versions, message)
    });
    hosts.into_iter().chain(plugins).collect()
}

fn told(versions: &BTreeMap<String, BTreeSet<&str>>) -> String {
    let told: Vec<String> = versions
        .iter()
        .map(|(version, hosts)| {
            let hosts: Vec<&str> = hosts.iter().copied().collect();
            format!("{version} on {}", hosts.join(", "))
        })
        .collect();
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(micros: i64, uncertain_micros: i64) -> ClockDifference {
        ClockDifference {
            micros,
            uncertain_micros,
        }
    }

    #[test]
    fn a_clock_is_apart_only_if_it_is_for_sure() {
        assert_eq!(apart(clock(1_400_000, 500_000)), None);
        assert_eq!(apart(clock(-900_000, 0)), None);
        let ahead = apart(clock(1_600_000, 500_000)).unwrap();
        assert_eq!(ahead.kind, WarningKind::Clock);
        assert!(ahead.message.contains("1.6 s ahead of"), "{}", ahead.message);
        let behind = apart(clock(-2_000_000, 0)).unwrap();
        assert!(behind.message.contains("2.0 s behind"), "{}", behind.message);
    }

    #[test]
    fn a_host_that_others_took_for_dead_warns() {
        assert_eq!(doubtful(Standing::Left), None);
        assert_eq!(doubtful(Standing::Fenced).unwrap().kind, WarningKind::Hosts);
    }

    #[test]
    fn buckets_may_be_without_an_owner_for_a_lease() {
        let usage: ProcessorName = "usage".parse().unwrap();
        let unowned = |seconds| {
            let unowned = Unowned {
                buckets: 3,
                age: Duration::from_secs(seconds),
            };
            BTreeMap::from([(usage.clone(), unowned)])
        };
        let lease = Duration::from_secs(15);
        assert_eq!(of_unowned_buckets(&unowned(15), lease), []);
        let told = of_unowned_buckets(&unowned(16), lease);
        assert!(
            told[0].message.contains("3 buckets of processor usage for 16 s"),
            "{told:?}"
        );
    }
}
