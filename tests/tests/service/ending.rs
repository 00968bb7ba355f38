//! How the service ends, in order and otherwise.

use std::{thread, time::Duration};

use serde_json::Value;
use session_host_tests::{AT_ONCE, Code, Held, LibraryFile, Service, World, library_name, wait_until};

use crate::steps::{value, write_sessions};

#[test]
fn a_wish_to_end_lets_attempts_finish_and_keeps_what_is_done() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 3);
    let held = Held::write(&world, "alice/held.jsonl");
    let service = world.serve(&[("SESSION_HOST_WORKERS", "1")]);
    let answer = thread::scope(|scope| {
        let run = scope.spawn(|| service.run("probe"));
        held.starts();
        service.signal(libc::SIGTERM);
        wait_until("no further client is served", || {
            std::net::TcpStream::connect(service.address()).is_err()
        });
        held.let_go();
        run.join().unwrap()
    });
    let (status, log) = service.ends();
    let details = answer.is(200).json()["details"].clone();
    assert_eq!(
        details["processed"].as_u64().unwrap() + details["capped"].as_u64().unwrap(),
        4,
        "{details}"
    );
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("all committed data is in the state file"), "{log}");
    let wal = world.path("data/session-host.duckdb.wal");
    assert!(!wal.exists() || wal.metadata().unwrap().len() == 0);
    assert_eq!(world.count("probe_rows"), details["processed"].as_u64().unwrap());
    assert_eq!(world.rows("SELECT actor, result FROM audit_log").len(), 1);
    let rest = world.run(&[]).exits(0);
    assert_eq!(rest.result().processed, details["capped"].as_u64().unwrap());
}

#[test]
fn an_attempt_that_asks_stops_at_the_wish_to_end() {
    let world = World::new();
    world.install("probe");
    let started = world.path("started");
    let steps = [
        serde_json::json!({"do": "touch", "path": started}),
        serde_json::json!({"do": "give_up_when_cancelled"}),
    ];
    world.write("alice/a.jsonl", steps.map(|step| step.to_string()).join("\n"));
    world.config("[schedule]\nprobe = \"every 1h\"\n");
    let service = world.serve(&[AT_ONCE, ("SESSION_HOST_SHUTDOWN_GRACE_SECONDS", "3600")]);
    wait_until("the attempt is under way", || started.exists());
    let (status, log) = service.stop();
    assert_eq!(status, Some(0), "{log}");
    assert!(!log.contains("abandoned"), "{log}");
    assert_eq!(world.count("session_processor_state"), 0);
    assert_eq!(world.count("session_processor_failure"), 0);
}

#[test]
fn an_attempt_that_does_not_return_does_not_hold_the_end_up() {
    let world = World::with(&["probe"]);
    let held = Held::write(&world, "alice/held.jsonl");
    world.config("[schedule]\nprobe = \"every 1h\"\n");
    let service = world.serve(&[AT_ONCE, ("SESSION_HOST_SHUTDOWN_GRACE_SECONDS", "1")]);
    held.starts();
    let (status, log) = service.stop();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("abandoned"), "{log}");
    assert_eq!(world.count("session_processor_state"), 0);
    assert_eq!(world.count("session_processor_failure"), 0);
    held.let_go();
    assert_eq!(world.run(&[]).exits(0).result().processed, 1);
}

#[test]
fn a_second_signal_ends_at_once() {
    let world = World::with(&["probe"]);
    let held = Held::write(&world, "alice/held.jsonl");
    let service = world.serve(&[AT_ONCE]);
    held.starts();
    service.signal(libc::SIGTERM);
    wait_until("the first signal is taken", || {
        std::net::TcpStream::connect(service.address()).is_err()
    });
    service.signal(libc::SIGTERM);
    let (status, _) = service.ends();
    assert_eq!(status, Some(130));
    held.let_go();
    assert_eq!(world.run(&[]).exits(0).result().processed, 1);
}

/// A library whose constructor makes the file `constructs` and does not return.
fn hangs_in_its_constructor(world: &World) -> Vec<u8> {
    let code = format!(
        r#"
        use handshake::{{Handshake, PanicStrategy}};
        #[unsafe(no_mangle)]
        pub static SESSION_PLUGIN_HANDSHAKE: Handshake = Handshake::new(PanicStrategy::CURRENT, "rustc 0");
        #[unsafe(no_mangle)]
        pub static _1as_0lib_1header_0root_bmodule_bloader: u64 = 0;
        #[used]
        #[unsafe(link_section = ".init_array")]
        static CONSTRUCTOR: extern "C" fn() = construct;
        extern "C" fn construct() {{
            std::fs::write({:?}, "").unwrap();
            loop {{
                std::thread::park();
            }}
        }}"#,
        world.path("constructs")
    );
    Code::with_handshake(&code).compile("cdylib")
}

/// A service with an attempt under way, which loads a library that does not come back from its constructor.
fn loads_a_library_that_hangs(world: &World) -> (Service, Held) {
    world.install("probe");
    let held = Held::write(world, "alice/held.jsonl");
    let service = world.serve(&[AT_ONCE]);
    held.starts();
    let library = hangs_in_its_constructor(world);
    world.install_file(LibraryFile::Bytes(&library), &library_name("hangs"));
    service.signal(libc::SIGHUP);
    wait_until("the library is being loaded", || world.path("constructs").exists());
    (service, held)
}

#[test]
fn a_library_that_hangs_in_its_constructor_does_not_hold_the_end_up() {
    let world = World::new();
    let (service, held) = loads_a_library_that_hangs(&world);
    drop(service.get("/api/health").is(200));
    service.signal(libc::SIGTERM);
    wait_until("no further client is served", || {
        std::net::TcpStream::connect(service.address()).is_err()
    });
    held.let_go();
    let (status, log) = service.ends();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("all committed data is in the state file"), "{log}");
    assert!(!log.contains("a run does not end"), "{log}");
    assert_eq!(world.count("probe_rows"), 1);
    assert_eq!(world.rows("SELECT actor, result FROM audit_log").len(), 1);
}

#[test]
fn a_second_signal_ends_at_once_while_a_library_hangs_in_its_constructor() {
    let world = World::new();
    let (service, _held) = loads_a_library_that_hangs(&world);
    service.signal(libc::SIGTERM);
    wait_until("the first signal is taken", || {
        std::net::TcpStream::connect(service.address()).is_err()
    });
    service.signal(libc::SIGTERM);
    assert_eq!(service.ends().0, Some(130));
}

#[test]
fn a_library_that_hangs_in_its_constructor_does_not_keep_a_start_from_ending() {
    let world = World::new();
    let library = hangs_in_its_constructor(&world);
    world.install_file(LibraryFile::Bytes(&library), &library_name("hangs"));
    for arguments in [&["serve"][..], &["run"]] {
        let starting = world.start(arguments);
        wait_until("the library is being loaded", || world.path("constructs").exists());
        starting.signal(libc::SIGTERM);
        assert_eq!(starting.ends().status, -libc::SIGTERM);
        std::fs::remove_file(world.path("constructs")).unwrap();
    }
}

#[test]
fn a_drop_that_hangs_stops_neither_health_nor_the_end() {
    let mut world = World::new();
    world.set_variable("MISFIT", "drop_hangs");
    world.install("misfit");
    world.install("probe");
    let service = world.serve(&[]);
    std::fs::remove_file(world.plugins().join(library_name("misfit"))).unwrap();
    for _ in 0..3 {
        drop(service.post("/api/admin/reload-plugins").is(200));
        drop(service.get("/api/admin/processors").is(200));
    }
    wait_until("health has been observed since", || {
        let health = service.get("/api/health").is(200).json();
        health["processors"].get("misfit").is_none() && health["status"] == "ok"
    });
    assert_eq!(service.run("probe").is(200).json()["ok"], true);
    assert_eq!(service.stop().0, Some(0));
}

/// All that runs leave, without what depends on time.
fn contents(world: &World) -> Vec<Vec<Value>> {
    [
        "SELECT session_file, username, n, text FROM probe_rows ORDER BY ALL",
        "SELECT processor_name, session_file, username, items_extracted FROM session_processor_state ORDER BY ALL",
        "SELECT processor_name, session_file FROM session_processor_failure ORDER BY ALL",
    ]
    .map(|sql| world.rows(sql))
    .to_vec()
}

#[test]
fn a_service_that_is_killed_ends_in_the_same_tables_as_one_that_is_not() {
    const SESSIONS: usize = 400;
    let undisturbed = World::with(&["probe"]);
    write_sessions(&undisturbed, SESSIONS);
    let service = undisturbed.serve(&[]);
    drop(service.run("probe").is(200));
    drop(service.stop());
    let expected = contents(&undisturbed);

    let world = World::with(&["probe"]);
    write_sessions(&world, SESSIONS);
    for kill in 1..=8_u64 {
        // The oldest comes first: the run goes on for as long as it is held, and the rest of it is done meanwhile.
        let late = format!("alice/late-{kill}.jsonl");
        let held = Held::write(&world, &late);
        world.age(&late, Duration::from_secs(86_400));
        let limits = [
            ("SESSION_HOST_MAX_SESSIONS_PER_RUN", "50"),
            ("SESSION_HOST_WORKERS", "2"),
        ];
        let service = world.serve(&limits);
        let _run = service.begin("POST", "/api/admin/run-session-processor?processor=probe", "");
        held.starts();
        wait_until("some sessions of the run are committed", || {
            let done = value(&service, "SELECT count(*) FROM session_processor_state");
            done.as_u64().unwrap() >= kill * 30
        });
        service.signal(libc::SIGKILL);
        drop(service.ends());
        std::fs::remove_file(world.sessions().join(late)).unwrap();
    }
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    drop(service.stop());
    let without_late = |rows: Vec<Value>| -> Vec<Value> {
        let is_late = |row: &Value| row["session_file"].as_str().unwrap().contains("late");
        rows.into_iter().filter(|row| !is_late(row)).collect()
    };
    assert_eq!(
        contents(&world).into_iter().map(without_late).collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn a_port_in_use_ends_with_what_the_unit_restarts() {
    let world = World::with(&["probe"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listening = |address: &str| {
        let ran = world.serving(&[("SESSION_HOST_LISTEN", address)]).output().unwrap();
        (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    let (status, said) = listening(&address);
    assert_eq!(status, Some(1), "{said}");
    let complaint = format!("session-host: cannot listen on {address}: Address already in use");
    assert!(said.contains(&complaint), "{said}");
    assert_eq!(said.matches("already in use").count(), 1, "{said}");
}
