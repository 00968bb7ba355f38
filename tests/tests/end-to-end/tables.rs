//! A processor's own tables: migrations, and who may touch what.

use serde_json::{Value, json};
use session_host_tests::{Ran, World};

const FIRST: &str = "CREATE TABLE shaped_rows (session_file VARCHAR, n BIGINT)";
const SECOND: &str = "ALTER TABLE shaped_rows ADD COLUMN text VARCHAR; CREATE VIEW shaped_view AS FROM shaped_rows";

/// Runs the host with a plugin that has these migrations.
#[track_caller]
fn run(world: &World, migrations: &[&str], tables: &[&str]) -> Ran {
    world.install("shaped");
    let mut command = world.command(&["run", "--json"]);
    command.env("SHAPED_MIGRATIONS", json!(migrations).to_string());
    command.env("SHAPED_TABLES", json!(tables).to_string());
    Ran::of(command.output().unwrap()).exits(0)
}

#[track_caller]
fn is_refused(world: &World, migrations: &[&str], tables: &[&str], reason: &str) {
    let ran = run(world, migrations, tables);
    assert!(ran.results.iter().all(|result| result.processor != "shaped"));
    assert!(ran.stderr.contains(&format!("its tables: {reason}")), "{}", ran.stderr);
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
    let reason =
        "the state has this processor's tables at version 2, the plugin knows versions up to 1: use the newer plugin";
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
    let world = World::new();
    world.install("probe");
    for (sql, table, owner) in [
        ("DROP TABLE probe_rows", "probe_rows", "probe"),
        ("ALTER TABLE PROBE_ROWS ADD COLUMN x INT", "PROBE_ROWS", "probe"),
        ("INSERT INTO \"probe_totals\" VALUES ('k', 1)", "probe_totals", "probe"),
        (
            "CREATE OR REPLACE TABLE main.probe_notes (n INT)",
            "probe_notes",
            "probe",
        ),
        ("CREATE INDEX i ON probe_rows (n)", "probe_rows", "probe"),
        (
            "DELETE FROM session_processor_state",
            "session_processor_state",
            "the host",
        ),
        ("DROP TABLE IF EXISTS audit_log", "audit_log", "the host"),
    ] {
        let reason = format!("migration 1 touches `{table}`, which belongs to {owner}");
        is_refused(&world, &[sql], &[], &reason);
    }
    is_refused(
        &world,
        &[],
        &["probe_rows"],
        "session table `probe_rows` belongs to probe",
    );
}

#[test]
fn session_tables_must_be_fit_for_replacing_whole_sessions() {
    for (sql, reason) in [
        (
            "CREATE VIEW shaped_rows AS SELECT 'a' AS session_file",
            "session table `shaped_rows` does not exist: make it in a migration",
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
