//! What health says of hosts that share a state.

use std::{fs, time::Duration};

use session_host::postgres::{Limits, Session};
use session_host_tests::{LibraryFile, Postgres, PostgresSetup, library, library_name, wait_until};

use super::scene::{beside, host_at, warnings};

/// Nothing that a test does itself is to end early.
const PATIENT: Limits = Limits {
    statement: Duration::from_secs(120),
    lock: Duration::from_secs(120),
    answer: Duration::from_secs(120),
};

#[test]
fn hosts_with_different_versions_are_told() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    let other = beside(&world, &database.url(), &[]);
    let mut library = fs::read(library("probe")).unwrap();
    library.push(0);
    other.install_file(LibraryFile::Bytes(&library), &library_name("probe"));
    let services = [world.serve(&[]), other.serve(&[])];
    for service in &services {
        wait_until("the versions of the plugin are told", || {
            let told = warnings(service, "versions");
            told.iter().any(|told| told.contains("the plugin of processor probe: "))
        });
    }
    database.sql(
        "INSERT INTO main.session_host_machine (name, version, seen, processors)
         VALUES ('elsewhere', '0.0.1', clock_timestamp() + interval '1 hour', '{}')",
    );
    wait_until("the versions of the hosts are told", || {
        let told = warnings(&services[0], "versions");
        told.iter().any(|told| told.contains("0.0.1 on elsewhere"))
    });
}

#[test]
fn a_silent_host_that_cannot_be_taken_over_is_told() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    let service = world.serve(&[]);
    database.sql(
        "INSERT INTO main.session_host_machine (name, version, seen, processors)
         VALUES ('silent', '1', clock_timestamp() + interval '1 hour', '{}')",
    );
    // Under another name, this connection is not ended by a take-over.
    let mut commit = Session::open(&database.url().parse().unwrap(), "somebody", PATIENT).unwrap();
    commit.batch("begin", "BEGIN").unwrap();
    commit
        .query(
            "lock",
            "SELECT FROM session_host_machine WHERE name = 'silent' FOR KEY SHARE",
            &[],
        )
        .unwrap();
    database
        .sql("UPDATE main.session_host_machine SET seen = clock_timestamp() - interval '1 hour' WHERE name = 'silent'");
    wait_until("the silent host is told", || {
        let told = warnings(&service, "hosts");
        told.iter().any(|told| told.contains("host silent (incarnation "))
    });
    commit.batch("commit", "COMMIT").unwrap();
    wait_until("it is taken over", || warnings(&service, "hosts").is_empty());
}

#[test]
fn health_answers_while_postgres_is_away_and_is_well_again_by_itself() {
    let mut server = PostgresSetup::default().start();
    let url = server.database().url();
    let world = host_at(&url, &["probe"]);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":1}"#);
    let service = world.serve(&[]);
    let is_well = || service.get("/api/health").is(200).json()["status"] == "ok";
    wait_until("the host is well", is_well);
    server.stop();
    wait_until("health says so", || {
        let told = warnings(&service, "state");
        told.iter()
            .any(|told| told.contains("goes on by itself once PostgreSQL answers"))
    });
    wait_until("the host doubts", || !warnings(&service, "hosts").is_empty());
    assert_eq!(service.get("/api/health").json()["status"], "degraded");
    drop(service.get("/api/admin/cluster").is(503));
    world.host(&["cluster"]).exits(1).tells("check that PostgreSQL runs");
    server.start_again();
    wait_until("the host is well again", is_well);
    wait_until("it owns its work again", || {
        service.run("probe").json()["details"]["processed"] == 1
    });
}
