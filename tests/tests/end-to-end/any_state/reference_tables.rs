//! Reference tables: rows that come with a plugin.

use serde_json::{Value, json};
use session_host_tests::{Ran, World, library_name};

const FIRST: &str = "CREATE TABLE shaped_prices (name VARCHAR NOT NULL, number BIGINT);
                     CREATE TABLE shaped_names (name VARCHAR NOT NULL, number BIGINT)";

/// A plugin with these migrations, reference rows and statement of its sessions.
struct Shaped<'a> {
    migrations: &'a [&'a str],
    reference: Value,
    execute: Option<&'a str>,
}

fn shaped(reference: Value) -> Shaped<'static> {
    Shaped {
        migrations: &[FIRST],
        reference,
        execute: None,
    }
}

impl Shaped<'_> {
    fn ran(&self, world: &World, arguments: &[&str]) -> Ran {
        world.install("shaped");
        let mut command = world.command(arguments);
        command.env("SHAPED_MIGRATIONS", json!(self.migrations).to_string());
        command.env("SHAPED_REFERENCE", self.reference.to_string());
        if let Some(sql) = self.execute {
            command.env("SHAPED_EXECUTE", sql);
        }
        Ran::of(command.output().unwrap())
    }

    #[track_caller]
    fn is_taken(&self, world: &World) {
        let ran = self.ran(world, &["run", "--json"]).exits(0);
        let is_shaped = |result: &session_host_tests::RunResult| result.processor == "shaped";
        assert!(ran.results.iter().any(is_shaped), "{}", ran.stderr);
    }

    #[track_caller]
    fn is_refused(&self, world: &World, reason: &str) {
        let ran = self.ran(world, &["run", "--json"]).exits(world.status_of_a_rejection());
        assert!(ran.results.iter().all(|result| result.processor != "shaped"));
        ran.tells(reason);
    }
}

fn row(name: &str, number: i64) -> Value {
    json!({"name": name, "number": number})
}

fn prices(world: &World) -> Vec<Value> {
    world.rows("SELECT name, number FROM shaped_prices ORDER BY ALL")
}

fn replacements(world: &World) -> Vec<Value> {
    world.rows("SELECT table_name, replaced_at FROM processor_reference_table ORDER BY table_name")
}

#[test]
fn rows_that_differ_are_replaced_and_the_same_write_nothing() {
    let world = World::new();
    let rows = json!({"shaped_prices": [row("a", 1), row("b", 2)], "shaped_names": [row("x", 1)]});
    shaped(rows.clone()).is_taken(&world);
    assert_eq!(prices(&world), [row("a", 1), row("b", 2)]);
    let first = replacements(&world);
    shaped(rows).is_taken(&world);
    assert_eq!(replacements(&world), first);
    shaped(json!({"shaped_prices": [row("b", 3)], "shaped_names": [row("x", 1)]})).is_taken(&world);
    assert_eq!(prices(&world), [row("b", 3)]);
    let third = replacements(&world);
    assert_eq!((third[0] == first[0], third[1] == first[1]), (true, false));
}

#[test]
fn a_declared_table_without_rows_is_emptied() {
    let world = World::new();
    shaped(json!({"shaped_prices": [row("a", 1)]})).is_taken(&world);
    shaped(json!({"shaped_prices": []})).is_taken(&world);
    assert_eq!(world.count("shaped_prices"), 0);
}

#[test]
fn all_tables_are_replaced_or_none() {
    let world = World::new();
    shaped(json!({"shaped_names": [row("x", 1)], "shaped_prices": [row("a", 1)]})).is_taken(&world);
    let nameless = json!({"name": null, "number": 2});
    let broken = json!({"shaped_names": [row("y", 1)], "shaped_prices": [nameless]});
    let reason = world.says(
        "cannot prepare its tables: cannot write the rows of a reference table: Failed to append: NOT NULL constraint failed: shaped_prices.name",
        r#"null value in column "name" of relation "shaped_prices" violates not-null constraint"#,
    );
    shaped(broken).is_refused(&world, reason);
    assert_eq!(world.rows("SELECT name, number FROM shaped_names"), [row("x", 1)]);
    assert_eq!(prices(&world), [row("a", 1)]);
}

#[test]
fn a_table_that_does_not_fit_refuses_the_plugin() {
    let world = World::with(&["probe"]);
    let rows = |table: &str| json!({table: [row("a", 1)]});
    let missing = "cannot prepare its tables: reference table `shaped_none` does not exist: create it in a migration";
    shaped(rows("shaped_none")).is_refused(&world, missing);
    let foreign = "cannot prepare its tables: reference table `probe_totals` belongs to probe";
    shaped(rows("probe_totals")).is_refused(&world, foreign);
    let with = |sql: &'static str| Shaped {
        migrations: Box::leak(Box::new([sql])),
        ..shaped(rows("shaped_odd"))
    };
    let world = World::new();
    with("CREATE TABLE shaped_odd (name VARCHAR, number VARCHAR)").is_refused(
        &world,
        "column `shaped_odd.number` has type VARCHAR, which cannot hold values of kind Integer",
    );
    let world = World::new();
    with("CREATE TABLE shaped_odd (name VARCHAR)").is_refused(
        &world,
        "table `shaped_odd` has no column `number`; its columns are name",
    );
    let world = World::new();
    with("CREATE TABLE shaped_odd (session_file VARCHAR, name VARCHAR, number BIGINT)")
        .is_refused(&world, "reference table `shaped_odd` has a column `session_file`");
}

#[test]
fn what_the_plugin_says_of_its_rows_refuses_it() {
    let world = World::new();
    let fails = "cannot get the rows of its reference tables: told to fail";
    shaped(json!({"shaped_prices": [row("fails", 1)]})).is_refused(&world, fails);
    let undeclared = "`other` is not a reference table of this processor: declare it with Descriptor::reference_table \
                      (declared: undeclared)";
    shaped(json!({"undeclared": [row("a", 1)]})).is_refused(&world, undeclared);
}

#[test]
fn a_look_at_the_plugins_writes_nothing() {
    let world = World::new();
    shaped(json!({"shaped_prices": [row("a", 1)]})).is_taken(&world);
    let changed = shaped(json!({"shaped_prices": [row("b", 2)]}));
    let looked = changed.ran(&world, &["processors", "--json"]).exits(0);
    assert!(looked.stdout.contains(r#""status":"loaded""#), "{}", looked.stdout);
    assert_eq!(prices(&world), [row("a", 1)]);
}

#[test]
fn a_look_at_an_older_state_finds_no_reference_tables_in_it() {
    let world = World::with(&["probe"]);
    drop(world.run(&[]).exits(0));
    world.change_state(
        "DROP TABLE processor_reference_table; DROP TABLE processor_pause; DROP TABLE alert;
         DELETE FROM schema_migration WHERE owner = 'host' AND version > 2",
    );
    assert_eq!(world.processors().loaded(), ["probe"]);
    drop(world.run(&[]).exits(0));
    assert_eq!(world.count("processor_reference_table"), 0);
}

#[test]
fn a_migration_that_makes_the_table_anew_is_followed_by_its_rows() {
    let world = World::new();
    let rows = json!({"shaped_prices": [row("a", 1)]});
    shaped(rows.clone()).is_taken(&world);
    let again = "DROP TABLE shaped_prices; CREATE TABLE shaped_prices (name VARCHAR, number DOUBLE)";
    let anew = Shaped {
        migrations: &[FIRST, again],
        ..shaped(rows)
    };
    anew.is_refused(
        &world,
        "column `shaped_prices.number` has type DOUBLE, which cannot hold values of kind Integer",
    );
    let fitting = "ALTER TABLE shaped_prices ALTER number TYPE INTEGER";
    let anew = Shaped {
        migrations: &[FIRST, again, fitting],
        ..anew
    };
    anew.is_taken(&world);
    assert_eq!(prices(&world), [row("a", 1)]);
}

#[test]
fn no_statement_writes_a_reference_table() {
    let world = World::new();
    world.write("alice/a.jsonl", "{}\n");
    let rows = json!({"shaped_prices": [row("a", 1)]});
    let writing = Shaped {
        execute: Some("DELETE FROM Shaped_Prices"),
        ..shaped(rows)
    };
    drop(writing.ran(&world, &["run", "--json"]).exits(1));
    let failures = world.rows("SELECT error FROM session_processor_failure");
    let reason = "`shaped_prices` is a reference table: its rows come from `reference_rows`";
    assert_eq!(failures, [json!({"error": reason})]);
    // One that is declared no longer is an ordinary table.
    let writing = Shaped {
        reference: json!({}),
        ..writing
    };
    drop(writing.ran(&world, &["run", "--json"]).exits(0));
    assert_eq!(world.count("shaped_prices"), 0);
}

#[test]
fn who_is_forgotten_stands_in_no_reference_table() {
    let world = World::new();
    world.write("alice/a.jsonl", "{}\n");
    shaped(json!({"shaped_prices": [row("a", 1)]})).is_taken(&world);
    let forgotten = world.host(&["forget", "alice"]).exits(0).stdout;
    assert!(
        forgotten.contains("tables that name no session: shaped_names\n"),
        "{forgotten}"
    );
    assert_eq!(world.count("shaped_prices"), 1);
}

#[test]
fn malformed_reference_rows_refuse_the_plugin() {
    let world = World::with(&["raw"]);
    for (told, reason) in [
        ("reference:no_text", "the name of a table is not UTF-8 text"),
        (
            "reference:values",
            "column `n` has 0 values for 18446744073709551615 rows",
        ),
        ("reference:twice", "table `raw_names`: column `n` is given twice"),
    ] {
        let mut command = world.command(&["run", "--json"]);
        command.env("RAW", told);
        drop(Ran::of(command.output().unwrap()).exits(2));
        let mut command = world.command(&["processors", "--json"]);
        command.env("RAW", told);
        let looked = Ran::of(command.output().unwrap());
        assert!(
            looked.stdout.contains(reason),
            "{}: {}",
            library_name("raw"),
            looked.stdout
        );
    }
}
