//! A host whose every connection to PostgreSQL is encrypted, and whose password no one sees.

use session_host_tests::{Authority, Held, PASSWORD, PostgresSetup, Proxy, World, write_password_file};

/// A session.
const SESSION: &str = "alice/a.jsonl";

#[test]
fn both_ways_to_the_server_trust_one_authority_and_read_one_password_file() {
    let authority = Authority::new();
    let server = PostgresSetup::default().with_tls(&authority).with_passwords().start();
    let database = server.database();
    let world = World::with(&["probe"]);
    let held = Held::write(&world, SESSION);
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
    let running = world.start(&["run", "--json", "-vv", "--state", &right]);
    held.starts();
    let encrypted = database.sql(
        "SELECT DISTINCT application_name = 'session-host-control', ssl FROM pg_stat_ssl
         JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL ORDER BY 1",
    );
    assert_eq!(encrypted, "f|t\nt|t", "those of DuckDB's extension, and the host's own");
    held.let_go();
    let ran = running.ends().exits(0);
    assert_eq!(ran.result().processed, 1);
    assert!(!ran.stderr.contains(PASSWORD), "{}", ran.stderr);
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
fn both_ways_to_the_server_read_the_password_file_that_the_environment_names() {
    let server = PostgresSetup::default().with_passwords().start();
    let database = server.database();
    let mut world = World::with(&["probe"]);
    world.write(SESSION, "{\"do\":\"rows\",\"count\":1}\n");
    let state = database.url();
    world.run(&["--state", &state]).exits(3).tells("wants a password");
    let password = write_password_file(&world.path(""), PASSWORD);
    world.set_variable("PGPASSFILE", password.to_str().unwrap());
    assert_eq!(world.run(&["--state", &state]).exits(0).result().processed, 1);
    assert_eq!(database.sql("SELECT count(*) FROM main.session_processor_state"), "1");
}

#[test]
fn neither_way_to_the_server_trusts_what_another_authority_has_signed() {
    let (authority, another) = (Authority::new(), Authority::new());
    let [server, other] = [&authority, &another].map(|by| PostgresSetup::default().with_tls(by).start());
    let database = server.database();
    let world = World::with(&["lines"]);
    // The host's own connection is the first one, and that of DuckDB's extension the second.
    for (right, refusal) in [(0, "invalid peer certificate"), (1, "certificate verify failed")] {
        let proxy = Proxy::before(server.port());
        proxy.lead_elsewhere_after(right, other.port());
        let roots = authority.certificate();
        let url = database.url_at("localhost", proxy.port());
        let state = format!("{url}?sslmode=verify-full&sslrootcert={}", roots.display());
        let refused = world.run(&["--state", &state]).exits(3);
        refused.tells(refusal);
        assert_eq!(proxy.accepted(), right + 1);
    }
}

#[test]
fn an_address_with_a_password_is_refused_and_not_repeated() {
    let world = World::with(&["lines"]);
    let refused = world.run(&["--state", "postgres://host:geheim@localhost/db"]).exits(2);
    refused.tells("passfile");
    assert!(!refused.stderr.contains("geheim"), "{}", refused.stderr);
}
