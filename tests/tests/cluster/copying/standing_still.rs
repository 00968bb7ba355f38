//! A state that is copied stands still.

use session_host::{cluster::Standstill, postgres::PostgresAddress};
use session_host_tests::{psql, wait_until};

use super::scene::Scene;

#[test]
fn others_can_read_the_state_and_cannot_write_to_it() {
    let scene = Scene::new(&["probe"]);
    drop(scene.copy(&scene.file(), &scene.url()).exits(0));
    let address: PostgresAddress = scene.url().parse().unwrap();
    let mut standstill = Standstill::begin(&address).unwrap();
    let url = scene.database.url();
    let write = "SET lock_timeout = '10ms'; INSERT INTO main.probe_totals VALUES ('x', 1)";
    let said = psql(&url, write).unwrap_err();
    assert!(said.contains("lock timeout"), "{said}");
    assert_eq!(psql(&url, "SELECT count(*) FROM main.probe_totals").unwrap(), "0");
    standstill.has_held().unwrap();
    drop(standstill);
    wait_until("others can write again", || psql(&url, write).is_ok());
}

#[test]
fn a_lost_connection_is_noticed() {
    let scene = Scene::new(&["probe"]);
    drop(scene.copy(&scene.file(), &scene.url()).exits(0));
    let mut standstill = Standstill::begin(&scene.url().parse().unwrap()).unwrap();
    let ended = scene.database.sql(
        "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 60000)) FROM pg_stat_activity
         WHERE application_name = 'session-host-standstill' AND datname = current_database()",
    );
    assert_eq!(ended, "1");
    assert!(standstill.has_held().is_err());
}
