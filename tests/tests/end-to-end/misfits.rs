//! Plugins that are processors, but not as they should be: each is refused beside a good one that serves.

use session_host_tests::{Listing, World, library_name};

/// A world with a good plugin and one of this fault.
fn world_with(fault: &str) -> World {
    let mut world = World::new();
    world.set_variable("MISFIT", fault);
    world.install("probe");
    world.install("misfit");
    world
}

fn world_with_table(sql: &str) -> World {
    let mut world = world_with("table");
    world.set_variable("MISFIT_SQL", sql);
    world
}

#[track_caller]
fn refusal_in(world: &World) -> String {
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    listing.rejection_of(&library_name("misfit")).to_owned()
}

#[test]
fn a_constructor_that_panics() {
    let world = world_with("constructor");
    let reason = refusal_in(&world);
    assert!(reason.starts_with("its constructor failed: panicked at "), "{reason}");
    assert!(
        reason.contains("misfit.rs:") && reason.ends_with(": cannot be constructed"),
        "{reason}"
    );
    let ran = world.run(&[]).exits(1);
    assert_eq!(ran.result().processor, "probe");
    assert!(!ran.stderr.contains("thread '"), "{}", ran.stderr);
    // Whoever names a processor asks for no other.
    drop(world.run(&["probe"]).exits(0));
}

#[test]
fn a_descriptor_that_panics() {
    let reason = refusal_in(&world_with("descriptor"));
    assert!(reason.starts_with("its descriptor failed: panicked at "), "{reason}");
    assert!(reason.ends_with(": cannot be described"), "{reason}");
}

#[test]
fn a_name_that_is_none() {
    for name in ["", "Upper", "2nd", "a b", "../up", "ü"] {
        let reason = refusal_in(&world_with(&format!("name:{name}")));
        assert_eq!(
            reason,
            format!("`{name}` is not a processor name: it must match [a-z][a-z0-9_-]*")
        );
    }
}

#[test]
fn a_name_that_is_taken() {
    let world = World::new();
    world.install_as("probe", &library_name("first"));
    world.install_as("probe_v2", &library_name("second"));
    let listing = world.processors();
    assert_eq!(listing.of(&library_name("first")).status, "loaded");
    let expected = format!(
        "the name `probe` is taken by {}: rename or remove one of the files",
        library_name("first")
    );
    assert_eq!(listing.rejection_of(&library_name("second")), expected);
}

#[test]
fn a_cadence_of_nothing() {
    assert_eq!(
        refusal_in(&world_with("cadence")),
        "its cadence is 0 minutes: it must be at least 1"
    );
}

#[test]
fn a_migration_that_fails() {
    let world = world_with_table("CREATE TABLE misfit_other (n BIGINT); CREATE TABLE misfit_rows (no columns)");
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    let file = library_name("misfit");
    let expected = "cannot prepare its tables: migration 1: Catalog Error: Type with name columns does not exist!";
    assert_eq!(listing.rejection_of(&file), expected);
    let details = listing.of(&file).details.as_deref().unwrap();
    assert!(
        details.contains("LINE 1: CREATE TABLE misfit_rows (no columns)"),
        "{details}"
    );
    drop(world.run(&[]).exits(1));
    let made = world.rows("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'misfit%'");
    assert!(made.is_empty(), "nothing of a failed migration is kept: {made:?}");
}

#[test]
fn a_session_table_that_cannot_be_one() {
    for (sql, expected) in [
        (
            "CREATE TABLE misfit_rows (session_file VARCHAR PRIMARY KEY)",
            "cannot prepare its tables: session table `misfit_rows` has `PRIMARY KEY(session_file)`: the host replaces the rows of sessions in \
             it, so it must have no key, unique constraint or index",
        ),
        (
            "CREATE TABLE misfit_rows (session_file VARCHAR); CREATE INDEX misfit_index ON misfit_rows (session_file)",
            "cannot prepare its tables: session table `misfit_rows` has `CREATE INDEX misfit_index ON misfit_rows(session_file);`: the \
             host replaces the rows of sessions in it, so it must have no key, unique constraint or index",
        ),
        (
            "CREATE TABLE misfit_rows (n BIGINT)",
            "cannot prepare its tables: session table `misfit_rows` has no column `session_file` of type VARCHAR",
        ),
        (
            "CREATE TABLE misfit_other (session_file VARCHAR)",
            "cannot prepare its tables: session table `misfit_rows` does not exist: create it in a migration",
        ),
    ] {
        assert_eq!(refusal_in(&world_with_table(sql)), expected);
    }
}

#[test]
fn a_drop_that_panics_is_logged_and_nothing_else() {
    let world = world_with("drop");
    let ran = world.run(&[]).exits(0);
    assert_eq!(ran.results.len(), 2);
    // Once in the worker process that tries the plugin, and once in the host.
    let logged: Vec<&str> = ran.stderr.lines().rev().collect();
    assert_eq!(logged.len(), 2, "{}", ran.stderr);
    assert!(
        logged[0].contains("the processor panicked while it was dropped: cannot be dropped"),
        "{}",
        logged[0]
    );
    assert!(
        logged[0].contains("processor=\"misfit\"") && logged[0].contains("misfit.rs:"),
        "{}",
        logged[0]
    );
}

#[test]
fn a_drop_that_hangs_does_not_hold_the_end_of_a_command_up() {
    let world = world_with("drop_hangs");
    for arguments in [["run", "--json"], ["processors", "--json"]] {
        let ran = world.host(&arguments).exits(0);
        ran.tells("the `Drop` of a plugin has not returned");
    }
}

#[track_caller]
fn assert_unavailable(listing: &Listing, reason: &str) {
    let listed = listing.of(&library_name("probe"));
    assert_eq!(
        (listed.status.as_str(), listed.processor.as_deref()),
        ("unavailable", Some("probe"))
    );
    assert!(listed.reason.as_deref().unwrap().contains(reason), "{listed:?}");
}

#[test]
fn a_configuration_that_is_not_taken_makes_it_unavailable() {
    for (section, reason) in [
        ("refuse = \"no key for the model\"", "no key for the model"),
        ("panic = \"cannot be configured\"", "cannot be configured"),
        ("unknown = 1", "unknown field `unknown`"),
    ] {
        let world = World::new();
        world.config(&format!("[processors.probe]\n{section}\n"));
        world.install("probe");
        world.install("probe_other");
        assert_unavailable(&world.processors(), reason);

        let named = world.run(&["probe"]).exits(2);
        named.tells("processor `probe` is unavailable: ");
        named.tells(reason);

        let unnamed = world.run(&[]).exits(1);
        assert_eq!(unnamed.result().processor, "probe_other");
        unnamed.tells(reason);
    }
}

#[test]
fn a_name_that_nobody_has_names_the_known_ones() {
    let world = World::with(&["probe", "probe_other"]);
    let ran = world.run(&["prob"]).exits(2);
    assert_eq!(
        ran.stderr,
        "session-host: there is no processor `prob`; the known ones are: probe, probe_other\n"
    );
}
