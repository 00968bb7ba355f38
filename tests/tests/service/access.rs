//! Who may call the admin interface.

use std::{
    fs,
    io::{ErrorKind, Write},
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::PathBuf,
};

use session_host_tests::{Answer, Held, Ran, World, wait_until};

const TOKEN: &str = "correct-horse-battery-staple";
const OTHER: &str = "incorrect-horse-battery-staple";

#[test]
fn the_admin_interface_wants_the_token_and_the_rest_does_not() {
    let world = World::with(&["probe"]);
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
    let world = World::with(&["probe"]);
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
        service.log().contains("the token stays unchanged")
    });
    assert_eq!((status_with(OTHER), status_with("short")), (200, 401));
}

#[test]
fn without_a_configured_token_no_other_machine_is_served() {
    let world = World::with(&["probe"]);
    drop(world.serve(&[]).stop());
    assert!(made(&world).exists());
    let ran = world.serving(&[("SESSION_HOST_LISTEN", "0.0.0.0:0")]).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(
        said.contains("0.0.0.0:0") && said.contains("SESSION_HOST_API_TOKEN"),
        "{said}"
    );
}

/// Where the service keeps the token that it makes.
fn made(world: &World) -> PathBuf {
    world.path("data/api-token")
}

#[test]
fn where_none_is_configured_the_service_makes_a_token_and_keeps_it() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    let token = fs::read_to_string(made(&world)).unwrap().trim().to_owned();
    assert_eq!(token.len(), 64);
    assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(fs::metadata(made(&world)).unwrap().permissions().mode() & 0o777, 0o600);
    let runs = |headers: &str| service.call_with("GET", "/api/admin/runs", headers, "").status;
    assert_eq!(runs(""), 401, "another program on the machine has no token");
    assert_eq!(runs(&format!("authorization: Bearer {token}\r\n")), 200);
    for target in ["/api/health", "/metrics", "/api/openapi.json"] {
        drop(service.call_with("GET", target, "", "").is(200));
    }
    // The command line finds it.
    assert_eq!(world.host(&["token"]).exits(0).stdout.trim_end(), token);
    let mut command = world.command(&["run", "--json"]);
    let ran = Ran::of(
        command
            .env("SESSION_HOST_LISTEN", service.address().to_string())
            .output()
            .unwrap(),
    );
    assert_eq!(ran.exits(0).result().processor, "probe");
    let (_, log) = service.stop();
    assert!(log.contains("api-token") && !log.contains(&token), "{log}");
    let again = world.serve(&[]);
    assert_eq!(again.token(), Some(token.as_str()));
    drop(again.get("/api/admin/runs").is(200));
}

#[test]
fn a_token_that_was_removed_is_made_again_at_a_hangup() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    let status = |token: &str| {
        let headers = format!("authorization: Bearer {token}\r\n");
        service.call_with("GET", "/api/admin/runs", &headers, "").status
    };
    let before = service.token().unwrap();
    fs::remove_file(made(&world)).unwrap();
    service.signal(libc::SIGHUP);
    wait_until("the old token is refused", || status(before) == 401);
    let after = world.host(&["token"]).exits(0).stdout;
    assert_ne!(after.trim_end(), before);
    assert_eq!(status(after.trim_end()), 200);
}

#[test]
fn a_token_that_another_user_may_have_written_is_refused() {
    let world = World::with(&["probe"]);
    drop(world.serve(&[]).stop());
    let path = made(&world);
    let refused = |reason: &str| {
        for arguments in [&["token"][..], &["serve", "--listen=127.0.0.1:0"]] {
            let ran = world.host(arguments).exits(2);
            ran.tells(reason);
            ran.tells("remove it");
            assert_eq!(ran.stdout, "");
        }
    };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    refused("users other than its owner may read or write it");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&path, Some(65534), None).expect("the tests run as root, who may give a file away");
    refused("it belongs to another user");
    fs::remove_file(&path).unwrap();
    fs::write(world.path("elsewhere"), TOKEN).unwrap();
    symlink(world.path("elsewhere"), &path).unwrap();
    refused("it is a symbolic link");
}

#[test]
fn the_command_prints_the_token_in_force_or_says_why_it_cannot() {
    let world = World::new();
    let ran = world.host(&["token"]).exits(2);
    assert_eq!(ran.stdout, "");
    ran.tells("`session-host serve` creates it");
    let mut command = world.command(&["token"]);
    let output = command.env("SESSION_HOST_API_TOKEN", TOKEN).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{TOKEN}\n"));
    let file = world.path("token");
    fs::write(&file, format!("{OTHER}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = world.command(&["token"]);
    let output = command.env("SESSION_HOST_API_TOKEN_FILE", &file).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{OTHER}\n"));
}

#[test]
fn no_web_page_is_served_without_the_token() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    for host in ["localhost", "127.0.0.1:80", "evil.example"] {
        for origin in ["", "origin: http://localhost\r\n"] {
            let request = format!("GET /api/admin/runs HTTP/1.1\r\nhost: {host}\r\n{origin}connection: close\r\n\r\n");
            let mut stream = service.connect();
            stream.write_all(request.as_bytes()).unwrap();
            assert_eq!(Answer::read(stream).unwrap().status, 401, "{host} {origin}");
        }
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

/// Listens as another user, as any of this machine may where no server does.
#[allow(unsafe_code, reason = "the system call has no safe wrapper in std")]
fn listen_as_somebody_else() -> TcpListener {
    const NOBODY: libc::c_long = 65534;
    let listening = std::thread::spawn(|| {
        // SAFETY: the call takes a number and touches no memory; it changes the one thread, which ends here.
        unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
        TcpListener::bind("127.0.0.1:0").unwrap()
    });
    listening.join().unwrap()
}

#[test]
fn a_command_tells_the_token_to_nobody_else_who_listens_there() {
    let world = World::with(&["probe"]);
    drop(world.serve(&[]).stop());
    // The state is in use by a run, and the server is down.
    let held = Held::write(&world, "alice/held.jsonl");
    let run = world.start(&["run"]);
    held.starts();
    let stranger = listen_as_somebody_else();
    stranger.set_nonblocking(true).unwrap();
    let mut command = world.command(&["status"]);
    let address = stranger.local_addr().unwrap().to_string();
    let ran = Ran::of(command.env("SESSION_HOST_LISTEN", address).output().unwrap()).exits(3);
    ran.tells("belongs to user 65534");
    let asked = stranger.accept().map_err(|error| error.kind());
    assert_eq!(asked.map(|_| ()), Err(ErrorKind::WouldBlock), "the stranger was asked");
    held.let_go();
    drop(run.ends().exits(0));
}
