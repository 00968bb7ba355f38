//! Hosts with plugins whose tables differ.

use serde_json::json;
use session_host_tests::{Postgres, Ran, World, wait_until};

use super::scene::{beside, cluster, host_at, listed};

const FIRST: &str = "CREATE TABLE shaped_rows (session_file VARCHAR, n BIGINT)";
const SECOND: &str = "ALTER TABLE shaped_rows ADD COLUMN text VARCHAR";

/// Gives the plugin of a world these migrations.
fn shape(world: &mut World, migrations: &[&str]) {
    world.set_variable("SHAPED_MIGRATIONS", &json!(migrations).to_string());
    world.set_variable("SHAPED_TABLES", &json!(["shaped_rows"]).to_string());
}

#[test]
fn a_run_writes_nothing_into_tables_that_another_host_has_migrated() {
    let database = Postgres::shared().database();
    let mut world = host_at(&database.url(), &["shaped"]);
    shape(&mut world, &[FIRST]);
    let mut other = beside(&world, &database.url(), &["shaped"]);
    shape(&mut other, &[FIRST, SECOND]);
    let service = world.serve(&[]);
    drop(service.run("shaped").is(200));
    let ran = Ran::of(other.command(&["run", "--json"]).output().unwrap());
    drop(ran.exits(0));
    world.write("alice/a.jsonl", "{}");
    wait_until("the host owns all again", || {
        let cluster = cluster(&world);
        let buckets = listed(&cluster, "shaped")
            .into_iter()
            .map(|listed| listed["buckets"].as_u64());
        buckets.eq([Some(64)])
    });
    let mut refused = String::new();
    wait_until("the run that the other host asked for is not under way", || {
        let answer = service.run("shaped");
        answer.status != 409 && {
            refused = answer.is(500).detail();
            true
        }
    });
    assert!(
        refused.contains("the tables of shaped at version 2") && refused.contains("made version 1"),
        "{refused}"
    );
    assert_eq!(database.sql("SELECT count(*) FROM main.session_processor_state"), "0");
}
