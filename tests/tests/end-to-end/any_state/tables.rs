//! A processor's own tables: migrations, and who may touch what.

use serde_json::{Value, json};
use session_host_tests::{Ran, World};

const FIRST: &str = "CREATE TABLE shaped_rows (session_file VARCHAR, n BIGINT)";
const SECOND: &str = "ALTER TABLE shaped_rows ADD COLUMN text VARCHAR; CREATE VIEW shaped_view AS FROM shaped_rows";

/// Runs the host with a plugin that has these migrations, which are taken.
#[track_caller]
fn run(world: &World, migrations: &[&str], tables: &[&str]) -> Ran {
    run_with(world, migrations, tables).exits(0)
}

/// Runs the host with a plugin that has these migrations.
fn run_with(world: &World, migrations: &[&str], tables: &[&str]) -> Ran {
    world.install("shaped");
    let mut command = world.command(&["run", "--json"]);
    command.env("SHAPED_MIGRATIONS", json!(migrations).to_string());
    command.env("SHAPED_TABLES", json!(tables).to_string());
    Ran::of(command.output().unwrap())
}

#[track_caller]
fn is_refused(world: &World, migrations: &[&str], tables: &[&str], reason: &str) {
    let ran = run_with(world, migrations, tables).exits(world.status_of_a_rejection());
    assert!(ran.results.iter().all(|result| result.processor != "shaped"));
    ran.tells(&format!("cannot prepare its tables: {reason}"));
}

fn applied(world: &World) -> Vec<Value> {
    world.rows("SELECT version FROM schema_migration WHERE owner = 'shaped' ORDER BY version")
}

#[test]
fn each_migration_is_applied_once() {
    let world = World::new();
    drop(run(&world, &[FIRST], &["shaped_rows"]));
    let first = world.rows("SELECT * FROM schema_migration");
    drop(run(&world, &[FIRST], &["shaped_rows"]));
    assert_eq!(world.rows("SELECT * FROM schema_migration"), first);
    drop(run(&world, &[FIRST, SECOND], &["shaped_rows"]));
    assert_eq!(applied(&world), [json!({"version": 1}), json!({"version": 2})]);
    assert_eq!(world.count("shaped_view"), 0);
}

#[test]
fn a_table_that_is_renamed_stays_its_processors() {
    let world = World::new();
    let renamed = "ALTER TABLE shaped_rows RENAME TO shaped_second; CREATE VIEW shaped_view AS FROM shaped_second;
                   ALTER VIEW SHAPED_VIEW RENAME TO shaped_seen";
    let ran = run(&world, &[FIRST, renamed], &["shaped_second"]);
    assert!(
        ran.results.iter().any(|result| result.processor == "shaped"),
        "{}",
        ran.stderr
    );
    let owned = "SELECT table_name FROM processor_table WHERE owner = 'shaped' ORDER BY table_name";
    let names = ["shaped_second", "shaped_seen"].map(|name| json!({"table_name": name}));
    assert_eq!(world.rows(owned), names);
    let back = "ALTER TABLE shaped_second RENAME TO shaped_rows; ALTER TABLE shaped_rows RENAME TO shaped_second;
                ALTER TABLE IF EXISTS shaped_none RENAME TO shaped_other";
    drop(run(&world, &[FIRST, renamed, back], &["shaped_second"]));
    assert_eq!(world.rows(owned), names);
}

#[test]
fn a_migration_that_was_applied_may_not_change() {
    let world = World::new();
    drop(run(&world, &[FIRST], &[]));
    let reason = "migration 1 was applied with other SQL: never change a released migration, add a further one";
    is_refused(&world, &[&format!("{FIRST};")], &[], reason);
}

#[test]
fn tables_of_a_newer_plugin_are_refused() {
    let world = World::new();
    drop(run(&world, &[FIRST, SECOND], &[]));
    let reason = "the state has this processor's tables at version 2, but the plugin knows versions only up to 1: use the newer plugin";
    is_refused(&world, &[FIRST], &[], reason);
}

#[test]
fn a_migration_that_fails_leaves_nothing_behind() {
    let world = World::new();
    let broken = "CREATE TABLE shaped_other (n BIGINT); INSERT INTO shaped_other VALUES ('x')";
    is_refused(&world, &[FIRST, broken], &[], "migration 2: ");
    assert_eq!(applied(&world), [json!({"version": 1})]);
    let left = "SELECT table_name FROM processor_table UNION SELECT table_name FROM duckdb_tables() WHERE table_name = 'shaped_other'";
    assert_eq!(world.rows(left), [json!({"table_name": "shaped_rows"})]);
}

#[test]
fn what_belongs_to_another_is_not_touched() {
    let world = World::with(&["probe"]);
    let of_the_probe = [
        ("DROP TABLE probe_rows", "probe_rows"),
        ("ALTER TABLE PROBE_ROWS ADD COLUMN x INT", "PROBE_ROWS"),
        ("INSERT INTO \"probe_totals\" VALUES ('k', 1)", "probe_totals"),
        ("CREATE OR REPLACE TABLE main.probe_notes (n INT)", "probe_notes"),
        ("CREATE INDEX i ON probe_rows (n)", "probe_rows"),
        ("WITH x AS (SELECT 1) DELETE FROM probe_rows", "probe_rows"),
        ("DELETE FROM ONLY probe_rows", "probe_rows"),
    ];
    let of_the_host = [
        ("DELETE FROM session_processor_state", "session_processor_state"),
        ("DROP TABLE IF EXISTS audit_log", "audit_log"),
        ("TRUNCATE audit_log", "audit_log"),
        (
            "CREATE TABLE own (n INT); ALTER TABLE own RENAME TO audit_log",
            "audit_log",
        ),
        ("CREATE TABLE own (n INT) -- ;\r; DELETE FROM audit_log", "audit_log"),
    ];
    for (owner, touches) in [("probe", &of_the_probe[..]), ("the host", &of_the_host)] {
        for (sql, table) in touches {
            let reason = format!("migration 1 touches `{table}`, which belongs to {owner}");
            is_refused(&world, &[sql], &[], &reason);
        }
    }
    is_refused(
        &world,
        &[],
        &["probe_rows"],
        "session table `probe_rows` belongs to probe",
    );
}

#[test]
fn what_changes_the_sql_of_others_or_reaches_out_is_refused() {
    for (sql, reason) in [
        ("CREATE MACRO lower(x) AS x", "migration 1 names a macro `lower`"),
        ("CREATE MACRO \"MAX\"(x) AS x", "migration 1 names a macro `MAX`"),
        ("CREATE MACRO \"+\"(x, y) AS 42", "migration 1 names a macro `+`"),
        (
            "CREATE FUNCTION duckdb_tables() AS TABLE SELECT 1",
            "migration 1 names a macro `duckdb_tables`",
        ),
        (
            "CREATE VIEW duckdb_columns AS SELECT 1",
            "migration 1 names a view `duckdb_columns`",
        ),
        (
            "CREATE VIEW own AS SELECT 1; ALTER VIEW own RENAME TO sqlite_master",
            "migration 1 names a view `sqlite_master`",
        ),
        ("CREATE TYPE text AS ENUM ('a')", "migration 1 names a type `text`"),
        (
            "CREATE TEMP TABLE own (n INT)",
            "migration 1 touches `own` outside the main schema",
        ),
        (
            "CREATE TEMP VIEW audit_log AS SELECT 1",
            "migration 1 touches `audit_log` outside the main schema",
        ),
        ("CREATE SCHEMA own", "migration 1 holds a CREATE statement"),
        (
            "CREATE VIEW own AS FROM enable_logging()",
            "migration 1: `enable_logging()` cannot be called here",
        ),
        ("SET threads = 3", "migration 1 holds a SET statement"),
        ("COMMIT", "migration 1 holds a COMMIT statement"),
        (
            "CREATE TABLE own (n INT); COPY own TO 'x.csv'",
            "migration 1 holds a COPY statement",
        ),
        ("PRAGMA enable_profiling", "migration 1 holds a PRAGMA statement"),
    ] {
        is_refused(&World::new(), &[sql], &[], reason);
    }
    // The instance that judges statements for PostgreSQL stages nothing.
    let world = World::new();
    let reason = world.says(
        "migration 1 touches `staged_session` outside the main schema",
        "migration 1: Catalog Error: Table with name staged_session does not exist!",
    );
    is_refused(&world, &["DROP TABLE temp.staged_session"], &[], reason);
}

#[test]
fn macros_of_an_earlier_version_that_stand_before_duckdbs_own_are_dropped() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":3}"#);
    drop(world.run(&["probe"]).exits(0));
    world.change_state(
        "DELETE FROM schema_migration WHERE owner = 'host:macros';
         CREATE MACRO lower(x) AS 'x'; CREATE MACRO max(x) AS 42; CREATE MACRO count(x) AS 42; CREATE MACRO \"+\"(x, y) AS 42;
         CREATE MACRO duckdb_tables() AS TABLE SELECT 'x' AS table_name; CREATE MACRO own(x) AS x",
    );
    world.write("alice/b.jsonl", r#"{"do":"rows","count":4}"#);
    let ran = world.run(&["probe"]).exits(0);
    ran.tells("dropped the macro `duckdb_tables`");
    assert_eq!((ran.result().processed, world.count("probe_rows")), (1, 7));
    let left = "SELECT function_name FROM duckdb_functions() WHERE NOT internal";
    assert_eq!(world.rows(left), [json!({"function_name": "own"})]);
}

#[test]
fn session_tables_must_be_fit_for_replacing_whole_sessions() {
    for (sql, reason) in [
        (
            "CREATE VIEW shaped_rows AS SELECT 'a' AS session_file",
            "session table `shaped_rows` does not exist: create it in a migration",
        ),
        (
            "CREATE TABLE shaped_rows (n INT)",
            "session table `shaped_rows` has no column `session_file` of type VARCHAR",
        ),
        (
            "CREATE TABLE shaped_rows (session_file VARCHAR PRIMARY KEY)",
            "session table `shaped_rows` has `PRIMARY KEY(session_file)`",
        ),
        (
            "CREATE TABLE shaped_rows (session_file VARCHAR); CREATE INDEX i ON shaped_rows (session_file)",
            "session table `shaped_rows` has `CREATE INDEX i ON shaped_rows",
        ),
    ] {
        is_refused(&World::new(), &[sql], &["shaped_rows"], reason);
    }
}

#[test]
fn a_table_of_an_older_system_and_another_shape_is_moved_aside() {
    let world = World::new();
    world.change_state(
        "CREATE TABLE shaped_rows (session_file VARCHAR PRIMARY KEY, label VARCHAR);
                        INSERT INTO shaped_rows VALUES ('old', 'kept')",
    );
    drop(run(&world, &[FIRST], &["shaped_rows"]));
    assert_eq!(world.count("shaped_rows"), 0);
    assert_eq!(
        world.rows("SELECT * FROM legacy_shaped_rows"),
        [json!({"session_file": "old", "label": "kept"})]
    );
}

#[test]
fn a_table_of_an_older_system_and_the_same_shape_keeps_its_rows() {
    let world = World::new();
    world.change_state(&format!("{FIRST}; INSERT INTO shaped_rows VALUES ('old', 1)"));
    drop(run(&world, &[FIRST], &["shaped_rows"]));
    assert_eq!(
        world.rows("SELECT * FROM shaped_rows"),
        [json!({"session_file": "old", "n": 1})]
    );
    assert_eq!(
        world.rows("SELECT * FROM duckdb_tables() WHERE table_name LIKE 'legacy%'"),
        [] as [Value; 0]
    );
}
