//! Attempts that meet the transactions of others.

use std::thread;

use serde_json::json;
use session_host_tests::Postgres;

use super::scene::{Somebody, host_at, wait_for_metric};

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
    let somebody = Somebody::changes(&database, "UPDATE main.probe_totals SET n = n + 10");
    thread::scope(|scope| {
        let run = scope.spawn(|| service.run("probe").is(200));
        somebody.commits_once_another_waits();
        drop(run.join().unwrap());
    });
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
