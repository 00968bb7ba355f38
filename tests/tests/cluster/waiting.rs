//! A service that starts while PostgreSQL is out of reach.

use std::{os::unix::net::UnixDatagram, time::Duration};

use serde_json::Value;
use session_host_tests::{Answer, PostgresSetup, Service, World, has_ended, wait_until, write_password_file};

/// A world with a plugin and a session, whose host keeps its state at this address.
fn host_at(url: &str) -> World {
    let mut world = World::with(&["probe"]);
    world.set_variable("SESSION_HOST_STATE", url);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":1}"#);
    world
}

#[track_caller]
fn health(service: &Service) -> Value {
    service.get("/api/health").is(200).json()
}

/// Checks that the service waits, and says so to everybody.
#[track_caller]
fn waits(service: &Service) {
    let health = health(service);
    assert_eq!(health["status"], "degraded");
    let warnings = health["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{health}");
    assert_eq!(warnings[0]["kind"], "state");
    let message = warnings[0]["message"].as_str().unwrap();
    assert!(message.contains("waits for PostgreSQL: "), "{message}");
    let metrics = service.get("/metrics").is(200).body;
    assert!(
        metrics.contains(r#"session_host_health_warnings{kind="state""#),
        "{metrics}"
    );
    for target in ["/", "/api/admin/status", "/api/reports"] {
        let detail = service.get(target).is(503).detail();
        assert!(detail.contains("goes on by itself"), "{detail}");
    }
}

#[test]
fn a_service_waits_for_a_server_that_starts_later_and_goes_on_by_itself() {
    let mut server = PostgresSetup::default().start();
    let url = server.database().url();
    server.stop();
    let world = host_at(&url);
    let systemd = UnixDatagram::bind(world.path("notify")).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let hears = || {
        let mut buffer = [0; 4096];
        let length = systemd.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim_end().to_owned()
    };
    let socket = world.path("notify").display().to_string();
    let service = world.serve(&[("NOTIFY_SOCKET", &socket), ("SESSION_HOST_STARTUP_GRACE_SECONDS", "0")]);
    let status = hears();
    assert!(status.starts_with("STATUS=waits for PostgreSQL: "), "{status}");
    assert_eq!(hears(), "READY=1");
    waits(&service);
    let before = health(&service)["checked_at"].clone();
    wait_until("the service tries again", || health(&service)["checked_at"] != before);
    service.signal(libc::SIGHUP);
    wait_until("nothing is reloaded", || {
        service.log().contains("nothing to reload yet")
    });
    waits(&service);
    server.start_again();
    wait_until("the service is well", || {
        // A connection that comes just as the service stops to wait is closed without an answer.
        let answer = Answer::read(service.begin("GET", "/api/health", ""));
        answer.is_some_and(|answer| answer.is(200).json()["status"] == "ok")
    });
    wait_until("systemd knows", || hears() == "STATUS=");
    wait_until("the session is processed", || {
        world.host(&["status", "--json"]).exits(0).json()[0]["sessions"] == 1
    });
    let log = service.log();
    let told = |part: &str| log.lines().filter(|line| line.contains(part)).count();
    assert_eq!(told("PostgreSQL is within reach again"), 1, "{log}");
    assert!(!log.contains("does not record crashes"), "{log}");
    assert_eq!(service.stop().0, Some(0));
}

#[test]
fn a_service_that_waits_ends_in_order() {
    let mut server = PostgresSetup::default().start();
    let url = server.database().url();
    server.stop();
    let world = host_at(&url);
    let service = world.serve(&[]);
    waits(&service);
    let (status, log) = service.stop();
    assert_eq!(status, Some(0), "{log}");
}

#[test]
fn a_service_waits_for_no_server_that_refuses_it() {
    let mut server = PostgresSetup::default().with_passwords().start();
    let database = server.database().url();
    let world = host_at("");
    let passwords = write_password_file(&world.path(""), "another");
    let url = format!("{database}?passfile={}", passwords.display());
    let refused = world.host(&["serve", "--state", &url]).exits(3);
    refused.tells("password authentication failed");
    server.stop();
    let service = world.serve(&[("SESSION_HOST_STATE", &url)]);
    waits(&service);
    server.start_again();
    wait_until("the service has ended", || has_ended(service.id()));
    let (status, log) = service.ends();
    assert_eq!(status, Some(3), "{log}");
    assert!(log.contains("password authentication failed"), "{log}");
}
