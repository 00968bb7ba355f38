//! Names of sessions that are also SQL.

use session_host_tests::{Postgres, World};

#[test]
fn a_name_is_a_text_whatever_the_database_says_of_backslashes() {
    let database = Postgres::shared().database();
    database.sql(&format!(
        "ALTER DATABASE {} SET standard_conforming_strings = off",
        database.name()
    ));
    let mut world = World::with(&["probe"]);
    world.set_variable("SESSION_HOST_STATE", &database.url());
    // The host writes a backslash by its number.
    let (file, session) = ["", "x5C"]
        .map(|number| format!("alice/\\{number}'; DROP SCHEMA main CASCADE; --.jsonl"))
        .into();
    for count in [1, 2] {
        world.write(&file, format!("{{\"do\":\"rows\",\"count\":{count}}}\n"));
        assert_eq!(world.run(&[]).exits(0).result().processed, 1);
        assert_eq!(
            database.sql("SELECT session_file FROM main.session_processor_state"),
            session
        );
        assert_eq!(database.sql("SELECT count(*) FROM main.probe_rows"), count.to_string());
    }
}
