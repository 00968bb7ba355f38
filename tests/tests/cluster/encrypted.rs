//! A host whose every connection to PostgreSQL is encrypted, and whose password no one sees.

use session_host_tests::{Authority, PASSWORD, PostgresSetup, World, write_password_file};

/// A session, which the plugin `lines` processes.
const SESSION: &str = "alice/a.jsonl";

#[test]
fn both_ways_to_the_server_trust_one_authority_and_read_one_password_file() {
    let authority = Authority::new();
    let server = PostgresSetup::default().with_tls(&authority).with_passwords().start();
    let database = server.database();
    let world = World::with(&["lines"]);
    world.write(SESSION, "{}\n{}\n");
    let password = write_password_file(&world.path(""), PASSWORD);
    let state = |roots: &Authority, passfile: &std::path::Path| {
        format!(
            "{}?sslmode=verify-full&sslrootcert={}&passfile={}",
            database.url_at("localhost", server.port()),
            roots.certificate().display(),
            passfile.display()
        )
    };
    let right = state(&authority, &password);
    let ran = world.run(&["-vv", "--state", &right]).exits(0);
    assert_eq!(ran.result().processed, 1);
    assert!(!ran.stderr.contains(PASSWORD), "{}", ran.stderr);
    let encrypted =
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL";
    assert_ne!(database.sql(encrypted), "f");
    assert_eq!(database.sql("SELECT count(*) FROM main.session_processor_state"), "1");

    let other = Authority::new();
    let refused = world.run(&["--state", &state(&other, &password)]).exits(3);
    refused.tells("certificate");
    let wrong = world.path("wrong");
    std::fs::create_dir(&wrong).unwrap();
    let refused = world
        .run(&["--state", &state(&authority, &write_password_file(&wrong, "guess"))])
        .exits(3);
    refused.tells("password authentication failed");
    assert!(!refused.stderr.contains("guess"), "{}", refused.stderr);
}

#[test]
fn an_address_with_a_password_is_refused_and_not_repeated() {
    let world = World::with(&["lines"]);
    let refused = world.run(&["--state", "postgres://host:geheim@localhost/db"]).exits(2);
    refused.tells("passfile");
    assert!(!refused.stderr.contains("geheim"), "{}", refused.stderr);
}
