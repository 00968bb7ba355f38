//! Runs that are asked for over HTTP.

use std::{thread, time::Duration};

use serde_json::json;
use session_host_tests::{Held, Service, World, wait_until};

use crate::steps::{listed, value, warnings_of, write_sessions};

#[test]
fn of_two_hundred_clients_one_runs_and_the_others_are_told_so() {
    const CLIENTS: usize = 200;
    let world = World::with(&["probe"]);
    write_sessions(&world, 3);
    let held = Held::write(&world, "alice/held.jsonl");
    let service = world.serve(&[]);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let first = scope.spawn(|| service.run("probe").status);
        held.starts();
        let others: Vec<_> = (1..CLIENTS).map(|_| scope.spawn(|| service.run("probe"))).collect();
        let others: Vec<u16> = others
            .into_iter()
            .map(|client| {
                let answer = client.join().unwrap();
                assert!(answer.detail().contains("already running"));
                answer.status
            })
            .collect();
        held.let_go();
        others.into_iter().chain([first.join().unwrap()]).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), CLIENTS - 1);
    let again = service.run("probe").is(200).json();
    assert_eq!(again["details"]["processed"], 0);
    let audited = value(
        &service,
        "SELECT count(*) FROM audit_log WHERE action = 'run_session_processor:probe'",
    );
    assert_eq!(audited, json!(CLIENTS + 1));
    assert_eq!(value(&service, "SELECT count(*) FROM probe_rows"), json!(4));
}

#[test]
fn a_run_goes_on_without_the_client_that_asked_for_it() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 2);
    let held = Held::write(&world, "alice/held.jsonl");
    let service = world.serve(&[]);
    let client = service.begin("POST", "/api/admin/run-session-processor?processor=probe", "");
    held.starts();
    drop(client);
    wait_until("the other sessions are settled", || {
        listed(&service, "probe", "loaded")["run"]["settled"] == 2
    });
    let run = &listed(&service, "probe", "loaded")["run"];
    assert_eq!((&run["actor"], &run["scanned"]), (&json!("admin"), &json!(3)));
    assert_eq!(service.run("probe").status, 409);
    held.let_go();
    let audited = "SELECT count(*) FROM audit_log WHERE action = 'run_session_processor:probe' AND result = 'ok'";
    wait_until("the run is audited", || value(&service, audited) == json!(1));
    assert_eq!(value(&service, "SELECT count(*) FROM probe_rows"), json!(3));
    wait_until("the run has ended", || {
        listed(&service, "probe", "loaded")["run"].is_null()
    });
}

#[test]
fn sessions_of_a_serial_processor_are_committed_while_the_next_one_takes_long() {
    const COUNT: &str =
        r#"{"do":"execute","sql":"INSERT INTO probe_serial_totals VALUES (md5(random()::VARCHAR), 1)"}"#;
    const COUNT_ALIKE: &str = r#"{"do":"execute","sql":"INSERT INTO probe_serial_totals VALUES ('k', 1)"}"#;
    for statement in [COUNT, COUNT_ALIKE] {
        let world = World::with(&["probe_serial"]);
        world.write("alice/first.jsonl", statement);
        world.age("alice/first.jsonl", Duration::from_secs(60));
        let held = Held::write(&world, "alice/held.jsonl");
        let service = world.serve(&[]);
        thread::scope(|scope| {
            let run = scope.spawn(|| service.run("probe_serial").status);
            held.starts();
            wait_until("the session before it is committed", || {
                value(&service, "SELECT count(*) FROM session_processor_state") == json!(1)
            });
            assert_eq!(value(&service, "SELECT count(*) FROM probe_serial_totals"), json!(1));
            held.let_go();
            assert_eq!(run.join().unwrap(), 200);
        });
        assert_eq!(
            value(&service, "SELECT count(*) FROM session_processor_state"),
            json!(2)
        );
    }
}

#[test]
fn processors_run_side_by_side() {
    let world = World::with(&["probe", "probe_other"]);
    let held = Held::write(&world, "alice/held.jsonl");
    let service = world.serve(&[]);
    thread::scope(|scope| {
        let one = scope.spawn(|| service.run("probe").status);
        held.starts();
        let other = scope.spawn(|| service.run("probe_other").status);
        wait_until("both run", || {
            ["probe", "probe_other"]
                .iter()
                .all(|name| !listed(&service, name, "loaded")["run"].is_null())
        });
        assert_eq!(service.get("/api/health").status, 200);
        held.let_go();
        assert_eq!((one.join().unwrap(), other.join().unwrap()), (200, 200));
    });
}

#[test]
fn a_run_that_fails_gives_the_processor_free() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 1);
    let service = world.serve(&[]);
    std::fs::remove_dir_all(world.sessions()).unwrap();
    std::fs::write(world.sessions(), "no directory").unwrap();
    for _ in 0..2 {
        let detail = service.run("probe").is(500).detail();
        assert!(detail.contains("scan the sessions directory"), "{detail}");
    }
    std::fs::remove_file(world.sessions()).unwrap();
    write_sessions(&world, 1);
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 1);
    let results = service.query(
        "SELECT result FROM audit_log WHERE action LIKE 'run_%' ORDER BY id",
        &json!([]),
    );
    assert_eq!(results.is(200).json()["rows"], json!([["failed"], ["failed"], ["ok"]]));
    assert_eq!(
        value(&service, "SELECT last_outcome FROM processor_schedule"),
        json!("ok")
    );
}

#[test]
fn a_retry_attempts_failing_sessions_alone() {
    let world = World::with(&["probe"]);
    let mended = world.path("mended");
    for name in ["one", "two"] {
        let fails = json!({"do": "unless", "path": mended, "then": {"do": "error", "message": "broken"}});
        world.write(
            &format!("alice/{name}.jsonl"),
            format!("{fails}\n{}", json!({"do": "rows", "count": 1})),
        );
    }
    let service = world.serve(&[]);
    assert_eq!(service.run("probe").is(200).json()["details"]["errors"], 2);
    world.write("alice/new.jsonl", r#"{"do":"rows","count":1}"#);
    std::fs::write(&mended, "").unwrap();
    let one = service
        .post("/api/admin/retry?processor=probe&session=alice/one.jsonl")
        .is(200)
        .json();
    assert_eq!(
        (&one["details"]["scanned"], &one["details"]["processed"]),
        (&json!(1), &json!(1))
    );
    let unknown = service
        .post("/api/admin/retry?processor=probe&session=alice/new.jsonl")
        .is(200)
        .json();
    assert_eq!(unknown["details"]["scanned"], 0);
    let rest = service.post("/api/admin/retry?processor=probe").is(200).json();
    assert_eq!(
        (&rest["details"]["scanned"], &rest["details"]["processed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        service.get("/api/admin/failures").is(200).json(),
        json!({"failures": [], "total": 0})
    );
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 1);
}

#[test]
fn an_attempt_that_never_returns_is_told_and_costs_no_other_processor() {
    let world = World::with(&["probe", "probe_other"]);
    world.write(
        "alice/hangs.jsonl",
        r#"{"do":"unless","path":"/nowhere","then":{"do":"hang"}}"#,
    );
    world.config("[isolation.probe]\nattempt_timeout_seconds = 1\n");
    let service = world.serve(&[]);
    assert_eq!(service.run("probe").is(200).json()["details"]["errors"], 1);
    let detail = service.run("probe").is(500).detail();
    assert!(
        detail.contains("alice/hangs.jsonl") && detail.contains("restart"),
        "{detail}"
    );
    let warnings = || warnings_of(&service, "probe");
    wait_until("health tells of it", || warnings()[0]["kind"] == "wedged");
    std::fs::write(world.sessions().join("alice/hangs.jsonl"), r#"{"do":"rows","count":1}"#).unwrap();
    assert_eq!(service.run("probe_other").is(200).json()["details"]["processed"], 1);
    assert_eq!(service.stop().0, Some(0));
}

/// What health says of attempts of the probe that have not returned.
fn wedged(service: &Service) -> Option<String> {
    let warnings = warnings_of(service, "probe").as_array()?.clone();
    let wedged = warnings.iter().find(|warning| warning["kind"] == "wedged")?;
    wedged["message"].as_str().map(str::to_owned)
}

#[test]
fn a_processor_whose_late_attempts_have_all_returned_is_in_service_again() {
    let world = World::with(&["probe"]);
    let late = [
        Held::write(&world, "alice/late-1.jsonl"),
        Held::write(&world, "alice/late-2.jsonl"),
    ];
    let service = world.serve(&[
        ("SESSION_HOST_ATTEMPT_TIMEOUT_SECONDS", "5"),
        ("SESSION_HOST_WORKERS", "2"),
    ]);
    assert_eq!(service.run("probe").is(200).json()["details"]["errors"], 2);
    for (held, session, other) in [
        (&late[0], "alice/late-1.jsonl", "alice/late-2.jsonl"),
        (&late[1], "alice/late-2.jsonl", "alice/late-1.jsonl"),
    ] {
        let names = |text: &str| text.contains(session);
        let detail = service.run("probe").is(500).detail();
        assert!(names(&detail) || detail.contains(other), "{detail}");
        wait_until("health names the attempt that has not returned", || {
            wedged(&service).is_some_and(|message| names(&message))
        });
        held.let_go();
        wait_until("the attempt has returned", || {
            !wedged(&service).is_some_and(|message| names(&message))
        });
    }
    assert_eq!(wedged(&service), None);
    let details = service.run("probe").is(200).json()["details"].clone();
    assert_eq!((&details["processed"], &details["errors"]), (&json!(2), &json!(0)));
    // The instance that hung is not trusted with further sessions.
    assert_eq!(
        value(&service, "SELECT list(DISTINCT instance) FROM probe_rows"),
        json!([2])
    );
    assert!(service.log().contains("the processor is in service again"));
}

#[test]
fn a_plugin_can_tell_runs_apart() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    for run in ["first", "second"] {
        for number in [1, 2] {
            world.write(&format!("{run}/{number}.jsonl"), r#"{"do":"tell_run"}"#);
        }
        let result = service.run("probe").is(200).json();
        assert_eq!(result["details"]["processed"], 2);
    }
    let runs = "SELECT count(DISTINCT text) FROM probe_rows WHERE username = ";
    assert_eq!(value(&service, &format!("{runs}'first'")), json!(1));
    assert_eq!(value(&service, &format!("{runs}'second'")), json!(1));
    assert_eq!(value(&service, "SELECT count(DISTINCT text) FROM probe_rows"), json!(2));
}
