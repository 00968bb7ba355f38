//! What a dead machine owned goes to the others.

use std::time::Duration;

use session_host::cluster::Timing;
use session_host_tests::wait_until;

use super::scene::{Scene, TIMING, join_with};

/// Locks the row of a machine, as each commit does.
const FENCE: &str = "SELECT 1 FROM session_host_machine WHERE id = $1 FOR KEY SHARE";

#[test]
fn a_dead_machine_is_taken_over_and_its_connections_end() {
    let scene = Scene::new();
    let dead = scene.dead_machine(40);
    let mut commit = scene.session(&format!("session-host-{dead}"));
    commit.batch("begin", "BEGIN").unwrap();
    assert_eq!(commit.query("lock", FENCE, &[&dead]).unwrap().len(), 1);
    commit.batch("write", "CREATE TABLE written ()").unwrap();
    let machine = scene.join("alive", &["usage"]);
    wait_until("the dead machine is taken over", || {
        machine.cluster.counters().take_overs == 1
    });
    machine.wait_to_own("usage", 64);
    assert!(commit.batch("commit", "COMMIT").is_err());
    assert_eq!(scene.sql("SELECT to_regclass('written') IS NULL"), "t");
    let sight = scene.look();
    assert_eq!(sight.machines.len(), 1);
    let taken: Vec<_> = sight
        .take_overs
        .iter()
        .map(|taken| (taken.dead.number(), taken.by.number()))
        .collect();
    assert_eq!(taken, [(dead, machine.number())]);
    assert_eq!(sight.take_overs[0].dead_name, "dead");
}

#[test]
fn a_take_over_waits_for_a_commit_that_cannot_be_ended() {
    let scene = Scene::new();
    let dead = scene.dead_machine(64);
    // Under another name, its connection is not found.
    let mut commit = scene.session("somebody");
    commit.batch("begin", "BEGIN").unwrap();
    commit.query("lock", FENCE, &[&dead]).unwrap();
    let machine = scene.join("alive", &["usage"]);
    let rounds = machine.cluster.counters().renewals;
    wait_until("the machine goes on renewing", || {
        machine.cluster.counters().renewals > rounds + 2
    });
    assert_eq!((machine.cluster.counters().take_overs, machine.owned("usage")), (0, 0));
    commit.batch("commit", "COMMIT").unwrap();
    wait_until("the dead machine is taken over", || {
        machine.cluster.counters().take_overs == 1
    });
    machine.wait_to_own("usage", 64);
    assert_eq!(machine.cluster.counters().fenced, 0);
}

#[test]
fn dead_machines_that_cannot_be_taken_over_yet_keep_no_other_from_it() {
    let scene = Scene::new();
    let stuck: Vec<_> = ["first", "second", "third"]
        .into_iter()
        .map(|name| {
            scene.silent_machine(name, "1");
            let mut commit = scene.session("somebody");
            commit.batch("begin", "BEGIN").unwrap();
            let lock = "SELECT 1 FROM session_host_machine FOR KEY SHARE";
            commit.query("lock", lock, &[]).unwrap();
            commit
        })
        .collect();
    scene.silent_machine("free", "1");
    let machine = scene.join("alive", &["usage"]);
    wait_until("the last one is taken over", || {
        scene.names() == ["alive", "first", "second", "third"]
    });
    drop(stuck);
    wait_until("all are taken over", || machine.cluster.counters().take_overs == 4);
}

#[test]
fn one_of_several_machines_takes_a_dead_one_over() {
    let scene = Scene::new();
    let machines = ["first", "second", "third"].map(|name| scene.join(name, &["usage"]));
    let dead = scene.sql(
        "INSERT INTO session_host_machine (name, version, seen, processors, lease_seconds)
         VALUES ('dead', '1', clock_timestamp() - interval '1 hour', '{}', 4) RETURNING id",
    );
    wait_until("the dead machine is taken over", || scene.look().machines.len() == 3);
    let rounds = machines.each_ref().map(|machine| machine.cluster.counters().renewals);
    for (machine, rounds) in machines.iter().zip(rounds) {
        wait_until("each has looked again", || {
            machine.cluster.counters().renewals > rounds + 1
        });
    }
    let took: u64 = machines
        .iter()
        .map(|machine| machine.cluster.counters().take_overs)
        .sum();
    let told = scene.look().take_overs;
    assert_eq!((took, told.len(), told[0].dead.number().to_string()), (1, 1, dead));
}

#[test]
fn each_machine_is_dead_after_its_own_lease() {
    const TWO_HOURS: Timing = Timing {
        lease: Duration::from_secs(7200),
    };
    let scene = Scene::new();
    scene.silent_machine("brief", "1");
    scene.silent_machine("patient", "7200");
    let url = scene.database.url();
    // It takes over while it joins.
    let _slow = join_with(&url, "slow", &["usage"], TWO_HOURS);
    wait_until("who may be silent for a second is taken over", || {
        scene.names() == ["patient", "slow"]
    });
    let _quick = scene.join("quick", &["usage"]);
    assert_eq!(scene.names(), ["patient", "quick", "slow"]);
    let sight = scene.look();
    let leases = sight
        .machines
        .iter()
        .map(|seen| (seen.machine.name.as_str(), seen.lease));
    let expected = [("patient", TWO_HOURS), ("quick", TIMING), ("slow", TWO_HOURS)];
    assert!(
        leases.clone().eq(expected.map(|(name, timing)| (name, timing.lease))),
        "{:?}",
        leases.collect::<Vec<_>>()
    );
}

/// The others may need as long as their lease until they reach PostgreSQL as well.
#[test]
fn after_an_outage_nobody_is_dead_who_may_be_silent_for_longer() {
    let scene = Scene::new();
    let machine = scene.join("alive", &["usage"]);
    let ended = scene.sql(
        "SELECT bool_and(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity
         WHERE application_name = 'session-host-control' AND datname = current_database()",
    );
    assert_eq!(ended, "t");
    scene.silent_machine("brief", "0.1");
    scene.silent_machine("patient", "1800");
    wait_until("one is taken over", || machine.cluster.counters().take_overs == 1);
    let rounds = machine.cluster.counters().renewals;
    wait_until("the machine has looked for longer than its own lease", || {
        machine.cluster.counters().renewals > rounds + 6
    });
    assert_eq!(scene.names(), ["alive", "patient"]);
}
