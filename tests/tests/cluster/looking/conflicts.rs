//! Attempts that meet the transactions of others.

use std::thread;

use serde_json::json;
use session_host_tests::{Database, Postgres, Service};

use super::scene::{Somebody, host_at, wait_for_metric};

/// Runs the probe, which meets the transaction of somebody who makes this change, and succeeds.
#[track_caller]
fn run_into(service: &Service, database: &Database<'_>, change: &str) {
    let somebody = Somebody::changes(database, change);
    thread::scope(|scope| {
        let run = scope.spawn(|| service.run("probe").is(200));
        somebody.commits_once_another_waits();
        drop(run.join().unwrap());
    });
}

/// A migration changes the leases of all processors, so it comes in the way of the runs of the others.
#[test]
fn a_run_that_only_refreshes_a_session_or_records_a_failure_goes_on_after_a_migration() {
    const MIGRATION: &str = "UPDATE main.session_host_lease SET owner = owner";
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    let transcript = "{\"do\":\"rows\",\"count\":1}\n";
    world.write("alice/a.jsonl", transcript);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    world.write("alice/a.jsonl", transcript);
    run_into(&service, &database, MIGRATION);
    world.write("alice/b.jsonl", "{\"do\":\"error\",\"message\":\"no\"}\n");
    run_into(&service, &database, MIGRATION);
    assert_eq!(database.sql("SELECT attempts FROM main.session_processor_failure"), "1");
    assert!(!service.log().contains("the run failed"), "{}", service.log());
}

#[test]
fn an_attempt_that_meets_another_transaction_is_repeated_and_counted() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    let counts_up = "INSERT INTO probe_totals VALUES ('k', 1) ON CONFLICT (key) DO UPDATE SET n = n + 1";
    let script = json!({"do": "execute", "sql": counts_up}).to_string();
    world.write("alice/a.jsonl", &script);
    drop(world.run(&[]).exits(0));
    world.write("alice/b.jsonl", &script);

    let service = world.serve(&[]);
    run_into(&service, &database, "UPDATE main.probe_totals SET n = n + 10");
    assert_eq!(database.sql("SELECT n FROM main.probe_totals"), "12");
    wait_for_metric(&service, "session_host_commit_conflicts_total{processor=\"probe\"} 1");
    wait_for_metric(
        &service,
        "session_host_commit_duration_seconds_count{processor=\"probe\"} 1",
    );
    wait_for_metric(
        &service,
        "session_host_sessions_recorded_already_total{processor=\"probe\"} 0",
    );
}
