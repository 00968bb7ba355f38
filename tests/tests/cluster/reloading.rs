//! A reload that another host asks for while PostgreSQL is out of reach.

use session_host_tests::{Postgres, Service, World, wait_until};

use crate::machines::scene::open;

/// Whether a host lists a processor. It lists none while PostgreSQL is out of reach.
fn has(service: &Service, processor: &str) -> bool {
    let answer = service.get("/api/admin/processors");
    answer.status == 200 && {
        let listed = answer.json();
        let mut plugins = listed["processors"].as_array().unwrap().iter();
        plugins.any(|plugin| plugin["processor"] == processor)
    }
}

#[test]
fn a_reload_that_postgresql_prevents_is_done_when_it_is_back() {
    let server = Postgres::shared();
    let database = server.database();
    let url = database.url();
    let world = World::with(&["probe"]);
    let service = world.serve(&[
        ("SESSION_HOST_STATE", &url),
        ("SESSION_HOST_LOG", "info,session_host=debug"),
    ]);
    let mut somebody = open(&url, "somebody");
    world.install("viewed");
    let name = database.name();
    // A host that has joined opens its connections anew, with the name of its incarnation.
    wait_until("the host works under its incarnation", || {
        let named = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND application_name ~ '^session-host-[0-9]+$'"
        );
        server.sql(&named) != "0"
    });
    // The connection for the leases stays, so the host hears what is asked.
    let admits = |admits: bool| drop(server.sql(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {admits}")));
    admits(false);
    let ended = server.sql(&format!(
        "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 60000)) FROM pg_stat_activity
         WHERE datname = '{name}' AND application_name LIKE 'session-host%' AND application_name <> 'session-host-control'"
    ));
    assert_ne!(ended, "0");
    let asking = "INSERT INTO main.session_host_request (asked_at, actor, kind, payload)
                  VALUES (clock_timestamp(), 'somebody', 'reload', 'null')";
    somebody.batch("ask", asking).unwrap();
    wait_until("the host cannot reload", || {
        service.log().contains("the plugins stay unchanged")
    });
    admits(true);
    wait_until("the host has the new plugin", || has(&service, "viewed"));
}
