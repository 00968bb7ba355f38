//! What health says of hosts that share a state.

use std::{fs, time::Duration};

use session_host::postgres::{Limits, Session};
use session_host_tests::{Answer, LibraryFile, Postgres, PostgresSetup, library, library_name, wait_until};

use super::scene::{Somebody, beside, buckets, host_at, warnings};

/// Nothing that a test does itself is to end early.
const PATIENT: Limits = Limits::each(Duration::from_secs(120));

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
        "INSERT INTO main.session_host_machine (name, version, seen, processors, lease_seconds)
         VALUES ('elsewhere', '0.0.1', clock_timestamp() + interval '1 hour', '{}', 15)",
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
        "INSERT INTO main.session_host_machine (name, version, seen, processors, lease_seconds)
         VALUES ('silent', '1', clock_timestamp() + interval '1 hour', '{}', 15),
                ('patient', '1', clock_timestamp() - interval '1 hour', '{}', 86400)",
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
    let told = warnings(&service, "hosts");
    assert_eq!(told.len(), 1, "{told:?}");
    // The message has the statement that finds the transaction.
    let finding = told[0].split('`').nth(1).unwrap();
    let holder = database
        .sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'somebody' AND datname = current_database()");
    wait_until("the transaction is found", || {
        database.sql(finding) == format!("{{{holder}}}")
    });
    commit.batch("commit", "COMMIT").unwrap();
    wait_until("it is taken over", || warnings(&service, "hosts").is_empty());
}

#[test]
fn buckets_that_nobody_owns_for_longer_than_a_lease_are_told() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    world.config("lease_seconds = 4\n");
    world.write("alice/a.jsonl", r#"{"do":"rows","count":1}"#);
    drop(world.run(&[]).exits(0));
    // A host takes only what nobody has locked.
    let somebody = Somebody::changes(&database, "SELECT FROM main.session_host_lease FOR UPDATE");
    let service = world.serve(&[]);
    wait_until("the buckets are told", || {
        let told = warnings(&service, "hosts");
        told.iter()
            .any(|told| told.contains("nobody has owned 64 buckets of processor probe for "))
    });
    drop(somebody);
    wait_until("the host has them", || warnings(&service, "hosts").is_empty());
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
        assert!(told.len() < 2, "{told:?}");
        told.iter()
            .any(|told| told.contains("goes on by itself once PostgreSQL answers"))
    });
    wait_until("the host doubts", || {
        assert_eq!(warnings(&service, "state").len(), 1);
        !warnings(&service, "hosts").is_empty()
    });
    assert_eq!(service.get("/api/health").json()["status"], "degraded");
    drop(service.get("/api/admin/cluster").is(503));
    for target in ["status", "runs", "failures", "failure-causes"] {
        tells_of_the_outage(&service.get(&format!("/api/admin/{target}")));
    }
    tells_of_the_outage(&service.query("FROM session_processor_state", &serde_json::json!([])));
    tells_of_the_outage(&service.post("/api/admin/pause?processor=probe"));
    let run = service.run("probe").is(503).detail();
    assert!(run.contains("joins them again by itself"), "{run}");
    world.host(&["cluster"]).exits(1).tells("check that PostgreSQL runs");
    server.start_again();
    // The run that did not begin is told until one has ended well.
    wait_until("it owns its work again", || {
        service.run("probe").json()["details"]["processed"] == 1
    });
    wait_until("the host is well again", is_well);
    wait_until("the log says so", || {
        service.log().contains("PostgreSQL is within reach again")
    });
    is_told_once(&service.log());
}

#[test]
fn hosts_that_have_yet_to_come_back_after_an_outage_are_not_told_as_silent() {
    let mut server = PostgresSetup::default().start();
    let url = server.database().url();
    let world = host_at(&url, &["probe"]);
    let other = beside(&world, &url, &["probe"]);
    // Longer than what follows takes.
    other.config("lease_seconds = 600\n");
    let (service, late) = (world.serve(&[]), other.serve(&[]));
    wait_until("the hosts are well", || {
        [&service, &late].map(|service| service.get("/api/health").json()["status"] == "ok") == [true; 2]
    });
    wait_until("both own a half", || buckets(&world) == [32, 32]);
    // It comes back last.
    late.signal(libc::SIGSTOP);
    server.stop();
    wait_until("the host doubts", || !warnings(&service, "hosts").is_empty());
    server.start_again();
    wait_until("the host is back", || warnings(&service, "hosts").is_empty());
    let checked_at = || service.get("/api/health").json()["checked_at"].clone();
    for _ in 0..3 {
        let before = checked_at();
        wait_until("health is checked again", || checked_at() != before);
        assert_eq!(warnings(&service, "hosts"), [""; 0]);
    }
    late.signal(libc::SIGCONT);
    wait_until("the other one is back", || {
        late.get("/api/health").json()["status"] == "ok"
    });
}

/// Checks that a request is told in one sentence that PostgreSQL is away.
#[track_caller]
fn tells_of_the_outage(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.body);
    let detail = answer.detail();
    assert!(
        detail.starts_with("PostgreSQL, which holds the state, is out of reach") && detail.contains("by itself"),
        "{detail}"
    );
}

/// Checks that a log tells of one outage, and not at each attempt to end it.
#[track_caller]
fn is_told_once(log: &str) {
    let told = |part: &str| log.lines().filter(|line| line.contains(part)).count();
    assert_eq!(told("PostgreSQL is out of reach"), 1, "{log}");
    assert_eq!(told("PostgreSQL is within reach again"), 1, "{log}");
    for repeated in [
        "cannot agree with the others",
        "the schedule stays unchanged",
        "cannot observe the processors",
        "still cannot be reached",
        "cannot fire the schedule",
    ] {
        assert_eq!(told(repeated), 0, "{log}");
    }
}
