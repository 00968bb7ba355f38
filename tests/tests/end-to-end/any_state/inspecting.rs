//! What people and programs read of the state.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::World;

use crate::script::{error, rows};

/// A world in which one session was processed and one failed.
fn world() -> World {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(2));
    world.write("alice/b.jsonl", error("no"));
    drop(world.run(&["probe"]).exits(1));
    world
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_query_is_written_as_table_csv_or_json() {
    let world = world();
    let sql = "SELECT session_file, n, CASE n WHEN 0 THEN 'a,\"b\"' END AS text FROM probe_rows ORDER BY n;";
    let written = |format: &str| world.host(&["query", sql, "--format", format]).exits(0).stdout;
    assert_eq!(
        written("csv"),
        "session_file,n,text\nalice/a.jsonl,0,\"a,\"\"b\"\"\"\nalice/a.jsonl,1,\n"
    );
    assert_eq!(
        written("json"),
        "{\"session_file\":\"alice/a.jsonl\",\"n\":0,\"text\":\"a,\\\"b\\\"\"}\n\
         {\"session_file\":\"alice/a.jsonl\",\"n\":1,\"text\":null}\n"
    );
    let table = written("table");
    assert!(table.contains("│ session_file  ┆ n ┆ text  │"), "{table}");
    assert_eq!(table, world.host(&["query", sql]).exits(0).stdout);
}

#[test]
fn a_query_can_only_read_and_only_the_state() {
    let world = world();
    let before = world.state_bytes();
    let outside = world.path("outside.csv");
    fs::write(&outside, "a\n1\n").unwrap();
    let outside = outside.display();
    for sql in [
        "INSERT INTO probe_totals VALUES ('k', 1)".to_owned(),
        "DROP TABLE probe_rows".to_owned(),
        format!("COPY probe_rows TO '{outside}'"),
        format!("ATTACH '{outside}.duckdb' AS other"),
        format!("SELECT * FROM read_csv('{outside}')"),
        format!("FROM '{outside}'"),
        "SELECT * FROM read_csv('/etc/passwd')".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        format!("SELECT 1) ; COPY (SELECT 1) TO '{outside}' ; SELECT (1"),
        "SELECT 1) ; SET enable_external_access = true ; SELECT (1".to_owned(),
        "SELECT".to_owned(),
        String::new(),
    ] {
        for format in ["csv", "json"] {
            let refused = world.host(&["query", &sql, "--format", format]).exits(1);
            assert_eq!(refused.stdout, "", "{sql}");
            assert!(
                refused.stderr.starts_with("session-host: ") && refused.stderr.lines().count() < 9,
                "{}",
                refused.stderr
            );
        }
    }
    assert!(world.state_bytes() == before);
    assert_eq!(fs::read_to_string(world.path("outside.csv")).unwrap(), "a\n1\n");
    assert!(!world.path("outside.csv.duckdb").exists());
}

#[test]
fn every_table_is_exported_as_parquet() {
    let world = world();
    let folder = world.path("it's exported");
    let printed = world.host(&["export", folder.to_str().unwrap()]).exits(0).stdout;
    let exported: Vec<&str> = printed.lines().collect();
    let tables = world.rows("SELECT table_name FROM duckdb_tables() ORDER BY table_name");
    assert_eq!(exported.len(), tables.len());
    for (file, table) in exported.iter().zip(&tables) {
        let table = table["table_name"].as_str().unwrap();
        assert!(file.ends_with(&format!("/{table}.parquet")), "{file}");
        let rows = format!("SELECT count(*) FROM read_parquet('{}')", file.replace('\'', "''"));
        let duckdb = duckdb::Connection::open_in_memory().unwrap();
        let rows: u64 = duckdb.query_row(&rows, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, world.count(table), "{table}");
    }
    assert!(printed.contains("probe_rows.parquet") && printed.contains("audit_log.parquet"));
}

#[test]
fn the_status_tells_how_far_each_processor_is() {
    let world = world();
    let status = world.host(&["status", "--json"]).exits(0).json();
    let mut expected = json!([{
        "processor": "probe", "sessions": 1, "items": 2, "failing": 1, "last_outcome": "errors",
        "unrecognised": 0, "unreadable_lines": 0, "last_processed_at": null, "last_run_at": null, "backlog": 1,
        "waiting": 0, "quarantined": 0, "paused": null, "run": null
    }]);
    for time in ["last_processed_at", "last_run_at"] {
        assert!(status[0][time].is_string(), "{status}");
        expected[0][time] = status[0][time].clone();
    }
    assert_eq!(status, expected);
    assert!(world.host(&["status"]).exits(0).stdout.contains("probe"));
}

#[test]
fn every_run_is_written_down() {
    let world = world();
    drop(world.run(&["probe"]).exits(1));
    fs::remove_file(world.sessions().join("alice/b.jsonl")).unwrap();
    let last = world.run(&["probe"]).exits(0);
    let runs = world.host(&["runs", "--json"]).exits(0).json();
    let results: Vec<&Value> = runs.as_array().unwrap().iter().map(|run| &run["result"]).collect();
    assert_eq!(results, ["ok", "errors", "errors"]);
    assert_eq!(
        keys(&runs[0]),
        [
            "action",
            "actor",
            "duration_ms",
            "id",
            "params",
            "resource",
            "result",
            "timestamp"
        ]
    );
    assert_eq!(
        [&runs[0]["actor"], &runs[0]["action"], &runs[0]["resource"]],
        ["cli", "run_session_processor:probe", "job:session-processor:probe"]
    );
    let printed: Value = serde_json::from_str(last.stdout.trim()).unwrap();
    assert_eq!(runs[0]["params"], printed);
    assert_eq!(
        world.rows(
            "SELECT processor_name, last_outcome,
                           last_run_at = (SELECT max(timestamp) FROM audit_log) AS latest FROM processor_schedule"
        ),
        [json!({"processor_name": "probe", "last_outcome": "ok", "latest": true})]
    );
    let two = world.host(&["runs", "--json", "--limit", "2"]).exits(0).json();
    assert_eq!(two.as_array().unwrap().len(), 2);
}

#[test]
fn an_export_stays_in_its_folder_whatever_tables_are_called() {
    let mut world = World::with(&["probe"]);
    drop(world.run(&["probe"]).exits(0));
    let outside = world.path("absolute");
    world.change_state(&format!(
        r#"CREATE TABLE "{}" (n INTEGER); CREATE TABLE "../../relative" (n INTEGER); CREATE TABLE "a""b" (n INTEGER)"#,
        outside.display()
    ));
    let exports = |world: &World, folder: &str| {
        let printed = world.host(&["export", folder]).exits(0).stdout;
        for file in printed.lines() {
            let file = fs::canonicalize(world.path(file)).unwrap();
            assert!(file.starts_with(world.path(folder)), "{}", file.display());
        }
        assert!(
            printed.contains("deep/er/%2E%2E%2F%2E%2E%2Frelative.parquet"),
            "{printed}"
        );
        assert!(!world.path("absolute.parquet").exists() && !world.path("relative.parquet").exists());
    };
    exports(&world, "deep/er");
    let service = world.serve(&[]);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    exports(&world, "served/deep/er");
    drop(service.stop());
}
