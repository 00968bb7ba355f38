//! A database in which no host has made a state yet.

use session_host_tests::{Database, Postgres, World};

use super::scene::host_at;

/// Whether nobody has made anything in the database.
fn is_empty(database: &Database<'_>) -> bool {
    database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'main'") == "0"
}

#[track_caller]
fn tells_of_no_state(world: &World) {
    let folder = world.path("export").display().to_string();
    for command in [
        &["status"][..],
        &["failures"],
        &["runs"],
        &["query", "SELECT 1"],
        &["report", "probe.rows"],
        &["search", "word"],
        &["export", &folder],
        &["pause", "probe"],
        &["reprocess", "probe"],
        &["forget", "alice"],
    ] {
        world.host(command).exits(2).tells("there is no state at postgres://");
    }
}

#[test]
fn commands_leave_a_database_empty_that_holds_no_state() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    tells_of_no_state(&world);
    for command in [
        &["processors"][..],
        &["processors", "--lock"],
        &["report"],
        &["cluster"],
        &["run", "--dry-run"],
    ] {
        drop(world.host(command).exits(0));
    }
    assert!(is_empty(&database));
    drop(world.run(&[]).exits(0));
    drop(world.host(&["status"]).exits(0));
}

#[test]
fn what_a_first_host_left_when_it_was_killed_is_no_state_yet() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    drop(world.run(&[]).exits(0));
    // Its own tables come in another transaction than those that several hosts need.
    let tables = "SELECT string_agg(format('main.%I', tablename), ', ') FROM pg_tables
                  WHERE schemaname = 'main' AND tablename NOT LIKE 'session_host_%'";
    let tables = database.sql(tables);
    database.sql(&format!("DROP TABLE {tables}; TRUNCATE main.session_host_schema"));
    tells_of_no_state(&world);
    drop(world.run(&[]).exits(0));
    drop(world.host(&["status"]).exits(0));
}
