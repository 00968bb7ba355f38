//! PostgreSQL is not there for a while.

use std::time::Duration;

use session_host::cluster::{ClusterError, Standing};
use session_host_tests::{Postgres, PostgresSetup, Proxy, wait_until};

use super::scene::{Scene, join_at, make_tables, open, processor};

#[test]
fn a_machine_goes_on_by_itself_when_the_server_is_there_again() {
    let mut server = PostgresSetup::default().start();
    let url = server.database().url();
    make_tables(&mut open(&url, "test"));
    let machine = join_at(&url, "first", &["usage"]);
    let other = join_at(&url, "second", &["usage"]);
    other.wait_to_own("usage", 32);
    let other_number = other.number();
    let (number, run) = (machine.number(), machine.cluster.begin(&processor("usage")).unwrap());
    server.kill();
    wait_until("the machine doubts", || {
        machine.cluster.standing() != Standing::Joined(run.incarnation())
    });
    assert_eq!((machine.owned("usage"), machine.cluster.incarnation()), (0, None));
    assert!(machine.cluster.begin(&processor("usage")).is_none());
    let trouble = machine.cluster.trouble().unwrap();
    assert!(trouble.contains("127.0.0.1"), "{trouble}");
    assert!(matches!(machine.cluster.look(), Err(ClusterError::NoAnswer)));
    server.start_again();
    machine.wait_to_own("usage", 32);
    other.wait_to_own("usage", 32);
    // Neither took the other one for dead, although neither had renewed for a lease.
    assert_eq!((machine.number(), other.number()), (number, other_number));
    assert_eq!(
        machine.cluster.counters().take_overs + other.cluster.counters().take_overs,
        0
    );
    wait_until("the trouble is over", || machine.cluster.trouble().is_none());
    assert_eq!(machine.cluster.incarnation(), Some(run.incarnation()));
    assert_eq!(machine.cluster.look().unwrap().machines.len(), 2);
}

#[test]
fn a_machine_that_joins_as_soon_as_the_server_runs_lets_the_others_come_back() {
    let server = PostgresSetup::default().start();
    let database = server.database();
    make_tables(&mut open(&database.url(), "test"));
    database.sql(
        "INSERT INTO main.session_host_machine (name, version, seen, processors, lease_seconds)
         VALUES ('late', '1', clock_timestamp() - interval '1 hour', '{usage}', 600)",
    );
    let first = join_at(&database.url(), "first", &["usage"]);
    let reached_for = first.cluster.reached_for();
    assert!(reached_for.is_some_and(|reached| reached < Duration::from_secs(600)));
    assert_eq!(first.cluster.look().unwrap().machines.len(), 2);
    database.sql("UPDATE main.session_host_machine SET lease_seconds = 1 WHERE name = 'late'");
    wait_until("the patience is over", || {
        first.cluster.look().unwrap().machines.len() == 1
    });
    assert_eq!(first.cluster.counters().take_overs, 1);
}

#[test]
fn a_machine_that_is_cut_off_is_taken_over_and_joins_anew() {
    let scene = Scene::new();
    let network = Proxy::before(Postgres::shared().port());
    let first = join_at(&scene.database.url_through(&network), "first", &["usage"]);
    let second = scene.join("second", &["usage"]);
    second.wait_to_own("usage", 32);
    let run = first.cluster.begin(&processor("usage")).unwrap();
    network.fall_silent();
    second.wait_to_own("usage", 64);
    assert_eq!(second.cluster.counters().take_overs, 1);
    // It knew before the other one did.
    assert_eq!(first.owned("usage"), 0);
    network.pass();
    first.wait_to_own("usage", 32);
    assert_eq!(first.cluster.counters().fenced, 1);
    assert!(
        first
            .cluster
            .incarnation()
            .is_some_and(|present| present != run.incarnation())
    );
}
