//! What every endpoint answers, asked well and badly.

use std::time::Duration;

use serde_json::{Value, json};
use session_host_tests::{Service, World, wait_until};

use crate::steps::{warnings_of, write_sessions};

#[test]
fn a_run_answers_with_its_result() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 3);
    world.write("bruno/bad.jsonl", r#"{"do":"error","message":"no good"}"#);
    let service = world.serve(&[]);
    let answer = service.run("probe").is(200).json();
    let details = &answer["details"];
    assert_eq!(
        (&answer["ok"], &details["processed"], &details["errors"]),
        (&json!(false), &json!(3), &json!(1))
    );
    assert_eq!(
        details["errors_detail"],
        json!([{"session": "bruno/bad.jsonl", "error": "no good"}])
    );
    let keys: Vec<&String> = details.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 15, "{keys:?}");
    std::fs::remove_file(world.sessions().join("bruno/bad.jsonl")).unwrap();
    assert_eq!(service.run("probe").is(200).json()["ok"], true);
}

#[test]
fn a_processor_that_cannot_run_is_named_with_the_reason() {
    let world = World::with(&["probe", "probe_other"]);
    world.config("[processors.probe_other]\nrefuse = \"no model is configured\"\n");
    let service = world.serve(&[]);
    let unknown = service.run("nobody").is(400).detail();
    assert!(unknown.contains("`nobody`") && unknown.contains("probe"), "{unknown}");
    let unavailable = service.run("probe_other").is(400).detail();
    assert!(
        unavailable.contains("probe_other") && unavailable.contains("unavailable"),
        "{unavailable}"
    );
    let health = || warnings_of(&service, "probe_other");
    wait_until("health tells of it", || health()[0]["kind"] == "unavailable");
    assert!(
        health()[0]["message"]
            .as_str()
            .unwrap()
            .contains("no model is configured")
    );
}

#[test]
fn a_sessions_directory_that_is_not_there_is_a_warning() {
    let world = World::with(&["probe"]);
    std::fs::remove_dir_all(world.sessions()).unwrap();
    let service = world.serve(&[]);
    let health = || service.get("/api/health").is(200).json();
    wait_until("health tells of it", || health()["warnings"][0]["kind"] == "missing");
    assert_eq!(health()["status"], "degraded");
    assert_eq!(service.run("probe").is(200).json()["details"]["unreadable"], 1);
    std::fs::create_dir_all(world.sessions()).unwrap();
    wait_until("health is well again", || health()["status"] == "ok");
}

#[test]
fn sessions_that_are_touched_and_stay_the_same_are_no_lag() {
    let world = World::with(&["probe"]);
    world.write("alice/old.jsonl", r#"{"do":"rows","count":1}"#);
    world.age("alice/old.jsonl", Duration::from_secs(86_400));
    drop(world.run(&[]).exits(0));
    world.change_state("UPDATE session_processor_state SET processed_at = processed_at - INTERVAL 1 DAY");
    world.write("alice/old.jsonl", r#"{"do":"rows","count":1}"#);
    let service = world.serve(&[]);
    assert_eq!(service.run("probe").is(200).json()["details"]["skipped"], 1);
    let health = || service.get("/api/health").is(200).json()["processors"]["probe"].clone();
    wait_until("health has seen the touched session", || health()["backlog"] == 0);
    assert_eq!(health()["status"], "ok", "{}", health());
}

#[test]
fn what_is_not_there_and_what_is_called_wrongly_is_told_in_json() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    for target in ["/nothing", "/api", "/api/admin/nothing", "/api/healthy"] {
        drop(service.get(target).is(404).detail());
    }
    let wrong_methods = [
        ("GET", "/api/admin/run-session-processor", "post"),
        ("DELETE", "/api/admin/query", "post"),
        ("POST", "/api/admin/processors", "get"),
        ("POST", "/api/health", "get"),
        ("PUT", "/metrics", "get"),
    ];
    for (method, target, allowed) in wrong_methods {
        let answer = service.call(method, target, "").is(405);
        let allow = answer.head.lines().find(|line| line.starts_with("allow:")).unwrap();
        assert!(allow.contains(allowed), "{allow}");
        drop(answer.detail());
    }
    for target in [
        "/api/admin/run-session-processor",
        "/api/admin/run-session-processor?processor=probe&more=1",
        "/api/admin/retry?session=x",
        "/api/admin/reprocess?processor=No",
        "/api/admin/forget",
    ] {
        drop(service.post(target).is(400).detail());
    }
    for target in [
        "/api/admin/runs?limit=0",
        "/api/admin/runs?limit=x",
        "/api/admin/failures?processor=No",
        "/api/admin/failures?limit=10001",
        "/api/admin/failure-causes?limit=0",
    ] {
        drop(service.get(target).is(400).detail());
    }
    for body in ["", "{", "[]", r#"{"sql":3}"#, r#"{"sql":"SELECT 1","more":1}"#] {
        drop(service.call("POST", "/api/admin/query", body).is(400).detail());
    }
}

#[test]
fn every_admin_call_and_no_other_leaves_one_entry_in_the_audit_log() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 1);
    let service = world.serve(&[]);
    drop(service.get("/api/health").is(200));
    drop(service.get("/metrics").is(200));
    drop(service.run("probe").is(200));
    drop(service.run("nobody").is(400));
    drop(service.post("/api/admin/run-session-processor").is(400));
    drop(service.get("/api/admin/runs").is(200));
    drop(service.post("/api/admin/forget?subject=nobody").is(404));
    drop(service.stop());
    let entries = world.rows("SELECT id, actor, action, resource, result FROM audit_log ORDER BY id");
    let actions: Vec<(&Value, &Value)> = entries
        .iter()
        .map(|entry| (&entry["action"], &entry["result"]))
        .collect();
    let expected = [
        ("run_session_processor:probe", "ok"),
        ("run_session_processor:nobody", "failed"),
        ("run_session_processor", "failed"),
        ("runs", "ok"),
        ("forget", "failed"),
    ];
    let expected = expected.map(|(action, result)| (json!(action), json!(result)));
    assert_eq!(
        actions,
        expected
            .iter()
            .map(|(action, result)| (action, result))
            .collect::<Vec<_>>()
    );
    assert!(entries.iter().all(|entry| entry["actor"] == "admin"));
    assert_eq!(entries[0]["resource"], "job:session-processor:probe");
}

/// A world with two sessions of one row and one that panics, and a server that has attempted them.
#[track_caller]
fn serve_attempted() -> (World, Service) {
    let world = World::with(&["probe"]);
    write_sessions(&world, 2);
    world.write("bruno/bad.jsonl", r#"{"do":"panic","payload":"str"}"#);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    (world, service)
}

#[test]
fn runs_failures_and_status_are_listed() {
    let (_world, service) = serve_attempted();
    drop(service.run("probe").is(200));
    let runs = service.get("/api/admin/runs?limit=1").is(200).json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
    assert_eq!(runs["runs"][0]["params"]["errors"], 1);
    let failures = service.get("/api/admin/failures?processor=probe").is(200).json();
    assert_eq!(
        (&failures["failures"][0]["kind"], &failures["failures"][0]["attempts"]),
        (&json!("panic"), &json!(2))
    );
    assert_eq!(
        service.get("/api/admin/failures?processor=other").is(200).json(),
        json!({"failures": [], "total": 0})
    );
    let causes = service.get("/api/admin/failure-causes").is(200).json();
    assert_eq!(
        (
            &causes["causes"][0]["sessions"],
            &causes["causes"][0]["example"],
            &causes["total"]
        ),
        (&json!(1), &json!("bruno/bad.jsonl"), &json!(1))
    );
    let status = || service.get("/api/admin/status").is(200).json();
    wait_until("the backlog is known", || status()["processors"][0]["backlog"] == 1);
    let status = status();
    assert_eq!(status["processors"][0]["run"], Value::Null);
    assert_eq!(status["processors"][0]["sessions"], 2);
    assert_eq!(status["processors"][0]["failing"], 1);
}

#[test]
fn metrics_tell_what_was_done_in_few_labels() {
    let (_world, service) = serve_attempted();
    for number in 0..5 {
        drop(service.get(&format!("/made-up/{number}")).is(404));
    }
    let answer = service.get("/metrics").is(200);
    assert!(answer.head.contains("content-type: application/openmetrics-text"));
    for line in [
        r#"session_host_runs_total{processor="probe",outcome="errors",actor="admin"} 1"#,
        r#"session_host_sessions_total{processor="probe",outcome="processed"} 2"#,
        r#"session_host_sessions_total{processor="probe",outcome="panic"} 1"#,
        r#"session_host_http_requests_total{route="other",method="GET",status="4xx"} 5"#,
        r#"session_host_attempt_duration_seconds_count{processor="probe"} 3"#,
        "session_host_scan_duration_seconds_count 2",
    ] {
        let name = line.rsplit_once(' ').unwrap().0;
        assert!(answer.body.contains(name), "{line} is not in\n{}", answer.body);
    }
    assert!(!answer.body.contains("made-up"));
}

#[test]
fn no_answer_may_do_anything_in_a_browser() {
    let (_world, service) = crate::steps::serve_processed(1);
    for target in [
        "/api/health",
        "/metrics",
        "/api/admin/runs",
        "/api/nothing",
        "/nothing",
        "/api/admin/nothing",
    ] {
        for answer in [
            service.get(target),
            service.call_with("GET", target, "", ""),
            service.post(target),
        ] {
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{target}");
            let policy = answer.header("content-security-policy");
            assert_eq!(policy, Some("default-src 'none'; frame-ancestors 'none'"), "{target}");
        }
    }
}
