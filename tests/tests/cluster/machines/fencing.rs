//! A machine that the others took for dead.

use session_host::{
    cluster::{ClusterError, Standing},
    postgres::PostgresError,
};
use session_host_tests::wait_until;

use super::scene::{Scene, TIMING, processor, try_to_join};

#[test]
fn a_machine_that_was_taken_for_dead_notices_and_joins_anew() {
    let scene = Scene::new();
    let machine = scene.join("first", &["usage"]);
    let (number, run) = (machine.number(), machine.cluster.begin(&processor("usage")).unwrap());
    scene.sql("DELETE FROM session_host_machine");
    wait_until("it has noticed", || machine.cluster.counters().fenced == 1);
    machine.wait_to_own("usage", 64);
    assert!(machine.number() > number);
    // What the earlier incarnation has pinned holds nothing back.
    assert_eq!(run.incarnation().number(), number);
    let second = scene.join("second", &["usage"]);
    second.wait_to_own("usage", 32);
}

/// The machine's row goes between its renewal and its sharing: the foreign key refuses what it takes.
#[test]
fn a_machine_that_is_taken_for_dead_while_it_shares_takes_nothing() {
    let scene = Scene::new();
    scene.sql(
        "CREATE FUNCTION end_it() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN DELETE FROM session_host_machine WHERE id = NEW.id; RETURN NULL; END';
         CREATE TRIGGER end_it AFTER UPDATE ON session_host_machine FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION end_it()",
    );
    let machine = scene.join("first", &["usage"]);
    assert_eq!(
        (
            machine.cluster.counters().fenced,
            machine.number(),
            machine.owned("usage")
        ),
        (1, 2, 64)
    );
    assert!(matches!(machine.cluster.standing(), Standing::Joined(_)));
}

/// A machine without a number of its own would pass for another one.
#[test]
fn a_machine_that_gets_no_number_does_not_join() {
    let scene = Scene::new();
    scene.sql(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER swallow BEFORE INSERT ON session_host_machine FOR EACH ROW EXECUTE FUNCTION swallow()",
    );
    let refused = try_to_join(&scene.database.url(), "first", &["usage"], TIMING)
        .err()
        .unwrap();
    assert!(
        matches!(&refused, ClusterError::Postgres(PostgresError::NoRow { .. })),
        "{refused}"
    );
}
