//! Who owns which buckets.

use std::sync::Arc;

use session_host::cluster::{BucketCount, Cluster, Machine, Standing};
use session_host_tests::wait_until;

use super::scene::{Scene, TIMING, processor, serial, shared};

#[test]
fn machines_share_the_buckets_and_the_one_that_stays_takes_all() {
    let scene = Scene::new();
    let first = scene.join("first", &["usage"]);
    assert_eq!(first.owned("usage"), 64);
    let second = scene.join("second", &["usage"]);
    first.wait_to_own("usage", 32);
    second.wait_to_own("usage", 32);
    let third = scene.join("third", &["usage"]);
    for machine in [&first, &second] {
        machine.wait_to_own("usage", 22);
    }
    third.wait_to_own("usage", 20);
    let usage = processor("usage");
    let all = [&first, &second, &third].map(|machine| machine.cluster.owned(&usage));
    assert_eq!(all[0].and(all[1]).and(all[2]), BucketCount::SixtyFour.all(), "{all:?}");
    let sight = scene.look();
    let names: Vec<_> = sight.machines.iter().map(|seen| seen.machine.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "third"]);
    assert_eq!(sight.machines[2].owned["usage"], all[2]);
    assert!(sight.unowned.is_empty());
    second.cluster.leave().unwrap();
    drop(third);
    first.wait_to_own("usage", 64);
    assert_eq!(second.cluster.standing(), Standing::Left);
    assert_eq!((second.owned("usage"), first.cluster.counters().take_overs), (0, 0));
}

#[test]
fn a_serial_processor_has_one_owner() {
    let scene = Scene::new();
    let join = |name: &str| {
        let machine = Machine {
            name: name.to_owned(),
            version: "1".to_owned(),
        };
        let address = scene.database.url().parse().unwrap();
        Cluster::join(address, machine, serial(&["memory"]), TIMING, Arc::default()).unwrap()
    };
    let ((first, _first), (second, _second)) = (join("first"), join("second"));
    let memory = processor("memory");
    let rounds = second.counters().renewals;
    wait_until("the second machine has tried again", || {
        second.counters().renewals > rounds + 1
    });
    assert_eq!((first.owned(&memory).len(), second.owned(&memory).len()), (1, 0));
    assert!(second.begin(&memory).is_none());
    first.leave().unwrap();
    wait_until("the second machine owns it", || second.owned(&memory).len() == 1);
}

#[test]
fn only_machines_that_have_a_processor_count() {
    let scene = Scene::new();
    let first = scene.join("first", &["usage"]);
    let second = scene.join("second", &["errors"]);
    let rounds = first.cluster.counters().renewals;
    wait_until("the first machine has shared again", || {
        first.cluster.counters().renewals > rounds + 1
    });
    assert_eq!((first.owned("usage"), second.owned("errors")), (64, 64));
    second.cluster.set_processors(shared(&["errors", "usage"]));
    first.wait_to_own("usage", 32);
    second.wait_to_own("usage", 32);
    second.cluster.set_processors(shared(&["usage"]));
    wait_until("nobody owns what nobody has", || {
        scene.look().unowned.get("errors").is_some_and(|free| free.len() == 64)
    });
    first.cluster.set_processors(shared(&[]));
    second.wait_to_own("usage", 64);
}

#[test]
fn what_a_run_works_on_is_not_given_away() {
    let scene = Scene::new();
    let first = scene.join("first", &["usage"]);
    let run = first.cluster.begin(&processor("usage")).unwrap();
    assert_eq!(
        (run.incarnation().number(), run.buckets().len(), run.count()),
        (first.number(), 64, BucketCount::SixtyFour)
    );
    let second = scene.join("second", &["usage"]);
    let rounds = [&first, &second].map(|machine| machine.cluster.counters().renewals);
    wait_until("both have tried to share", || {
        [&first, &second]
            .iter()
            .zip(rounds)
            .all(|(machine, before)| machine.cluster.counters().renewals > before + 1)
    });
    assert_eq!((first.owned("usage"), second.owned("usage")), (64, 0));
    drop(run);
    second.wait_to_own("usage", 32);
    first.wait_to_own("usage", 32);
}

#[test]
fn a_processor_is_divided_anew_when_nobody_owns_it_as_before() {
    let scene = Scene::new();
    let first = scene.join("first", &["usage"]);
    let second = scene.join("second", &[]);
    second.cluster.set_processors(serial(&["usage"]));
    let rounds = second.cluster.counters().renewals;
    wait_until("the second machine has tried", || {
        second.cluster.counters().renewals > rounds + 2
    });
    // Its plugin has one bucket, and the table has more.
    assert_eq!(second.owned("usage"), 0);
    assert!(second.cluster.begin(&processor("usage")).is_none());
    assert!(first.owned("usage") >= 32);
    first.cluster.set_processors(serial(&["usage"]));
    wait_until("one machine owns it", || {
        first.owned("usage") + second.owned("usage") == 1
    });
    assert_eq!(scene.sql("SELECT count(*) FROM session_host_lease"), "1");
}

#[test]
fn the_clock_of_the_machine_is_compared() {
    let scene = Scene::new();
    let machine = scene.join("first", &[]);
    let difference = machine.cluster.clock_difference().unwrap();
    // Both clocks are those of this machine.
    assert!(
        difference.micros.abs() <= difference.uncertain_micros + 2,
        "{difference:?}"
    );
}

/// A migration and `forget` lock the leases for as long as they take.
#[test]
fn a_machine_that_waits_for_the_leases_of_many_processors_renews_in_time() {
    const PROCESSORS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let scene = Scene::new();
    let watcher = scene.join("watcher", &["usage"]);
    let first = scene.join("first", &PROCESSORS);
    for processor in PROCESSORS {
        first.wait_to_own(processor, 64);
    }
    first.cluster.leave().unwrap();
    let mut migration = scene.session("somebody");
    migration.batch("begin", "BEGIN").unwrap();
    migration
        .batch("lock", "LOCK TABLE session_host_lease IN EXCLUSIVE MODE")
        .unwrap();
    let second = scene.join("second", &PROCESSORS);
    let rounds = second.cluster.counters().renewals;
    wait_until("the machine renews", || second.cluster.counters().renewals > rounds + 5);
    migration.batch("commit", "COMMIT").unwrap();
    for processor in PROCESSORS {
        second.wait_to_own(processor, 64);
    }
    assert_eq!(second.cluster.counters().fenced, 0);
    assert_eq!(watcher.cluster.counters().take_overs, 0);
}
