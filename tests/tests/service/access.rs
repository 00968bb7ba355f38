//! Who may call the admin interface.

use std::{fs, io::Write, os::unix::fs::PermissionsExt};

use session_host_tests::{Answer, World, wait_until};

const TOKEN: &str = "correct-horse-battery-staple";
const OTHER: &str = "incorrect-horse-battery-staple";

#[test]
fn the_admin_interface_wants_the_token_and_the_rest_does_not() {
    let world = World::new();
    world.install("probe");
    let service = world.serve(&[("SESSION_HOST_API_TOKEN", TOKEN)]);
    let wrong = [
        String::new(),
        format!("authorization: Bearer {OTHER}\r\n"),
        format!("authorization: Basic {TOKEN}\r\n"),
        format!("authorization: {TOKEN}\r\n"),
        format!("authorization: Bearer {TOKEN}x\r\n"),
        "authorization: Bearer\r\n".to_owned(),
    ];
    for headers in wrong {
        for (method, target) in [
            ("GET", "/api/admin/processors"),
            ("POST", "/api/admin/run-session-processor?processor=probe"),
            ("GET", "/api/admin/nothing"),
        ] {
            let answer = service.call_with(method, target, &headers, "").is(401);
            assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
            assert!(!answer.body.contains(TOKEN), "{}", answer.body);
        }
    }
    let right = format!("Authorization: bearer {TOKEN}\r\n");
    drop(service.call_with("GET", "/api/admin/processors", &right, "").is(200));
    drop(service.run("probe").is(200));
    for target in ["/api/health", "/metrics", "/api/openapi.json"] {
        drop(service.call_with("GET", target, "", "").is(200));
    }
    let (status, log) = service.stop();
    assert_eq!(status, Some(0));
    assert!(!log.contains(TOKEN), "{log}");
    assert!(!format!("{:?}", world.rows("SELECT * FROM audit_log")).contains(TOKEN));
}

#[test]
fn a_hangup_changes_the_token_to_what_the_file_says_now() {
    let world = World::new();
    world.install("probe");
    let file = world.path("token");
    fs::write(&file, TOKEN).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let service = world.serve(&[("SESSION_HOST_API_TOKEN_FILE", file.to_str().unwrap())]);
    let status_with = |token: &str| {
        let headers = format!("authorization: Bearer {token}\r\n");
        service.call_with("GET", "/api/admin/runs", &headers, "").status
    };
    assert_eq!((status_with(TOKEN), status_with(OTHER)), (200, 401));
    fs::write(&file, OTHER).unwrap();
    service.signal(libc::SIGHUP);
    wait_until("the new token is taken", || status_with(OTHER) == 200);
    assert_eq!(status_with(TOKEN), 401);
    // One that cannot be used changes nothing.
    fs::write(&file, "short").unwrap();
    service.signal(libc::SIGHUP);
    wait_until("the token that cannot be used is told of", || {
        service.log().contains("the token in force stays")
    });
    assert_eq!((status_with(OTHER), status_with("short")), (200, 401));
}

#[test]
fn without_a_token_no_other_machine_is_served() {
    let world = World::new();
    world.install("probe");
    let ran = world.serving(&[("SESSION_HOST_LISTEN", "0.0.0.0:0")]).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(
        said.contains("0.0.0.0:0") && said.contains("SESSION_HOST_API_TOKEN"),
        "{said}"
    );
    let service = world.serve(&[]);
    drop(service.get("/api/admin/runs").is(200));
    let (_, log) = service.stop();
    assert!(log.contains("no token is configured"), "{log}");
}

#[test]
fn without_a_token_no_web_page_is_served() {
    let world = World::new();
    world.install("probe");
    let service = world.serve(&[]);
    let status = |host: &str, origin: &str| {
        let request = format!("GET /api/admin/runs HTTP/1.1\r\nhost: {host}\r\n{origin}connection: close\r\n\r\n");
        let mut stream = service.connect();
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(stream).unwrap().status
    };
    for host in ["localhost", "localhost:7741", "127.0.0.1", "127.0.0.1:80", "[::1]:7741"] {
        assert_eq!(status(host, ""), 200, "{host}");
        assert_eq!(status(host, "origin: http://localhost\r\n"), 403, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "127.0.0.1.evil.example:7741",
    ] {
        assert_eq!(status(host, ""), 403, "{host}");
    }
}

#[test]
fn an_unfit_token_stops_the_start() {
    let world = World::new();
    let file = world.path("token");
    fs::write(&file, TOKEN).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let path = file.to_str().unwrap();
    for (name, value, reason) in [
        ("SESSION_HOST_API_TOKEN", "short", "16 characters"),
        ("SESSION_HOST_API_TOKEN_FILE", path, "chmod 600"),
        ("SESSION_HOST_API_TOKEN_FILE", "/nowhere/token", "/nowhere/token"),
    ] {
        let ran = world.serving(&[(name, value)]).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(said.contains(reason), "{said}");
    }
}
