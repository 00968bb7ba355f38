//! Pausing a processor of the service.

use std::time::Duration;

use serde_json::{Value, json};
use session_host_tests::{AT_ONCE, Held, Service, World, wait_until};

use crate::steps::{listed, value, write_sessions};

const PAUSE: &str = "/api/admin/pause?processor=probe&reason=its+model+is+down";
const RESUME: &str = "/api/admin/resume?processor=probe";

fn runs(service: &Service, processor: &str) -> u64 {
    let sql = format!("SELECT count(*) FROM audit_log WHERE action = 'run_session_processor:{processor}'");
    value(service, &sql).as_u64().unwrap()
}

fn health(service: &Service) -> Value {
    service.get("/api/health").is(200).json()
}

/// Waits until the other processor has run twice from now on: the paused one would have, too.
#[track_caller]
fn others_run(service: &Service) {
    let before = runs(service, "probe_other");
    wait_until("the other processor runs on", || {
        runs(service, "probe_other") >= before + 2
    });
}

#[test]
fn a_paused_processor_starts_no_scheduled_runs_until_it_is_resumed() {
    let mut world = World::new();
    world.install("probe");
    world.install("probe_other");
    world.config("[schedule]\nprobe = \"every 1s\"\nprobe_other = \"every 1s\"\n");
    let service = world.serve(&[AT_ONCE]);
    wait_until("it runs", || runs(&service, "probe") >= 2);
    drop(service.post(PAUSE).is(200));
    wait_until("the run under way has ended", || {
        listed(&service, "probe", "loaded")["run"].is_null()
    });
    let before = runs(&service, "probe");
    others_run(&service);
    assert_eq!(runs(&service, "probe"), before);
    drop(service.post("/api/admin/reload-plugins").is(200));
    others_run(&service);
    assert_eq!(runs(&service, "probe"), before);
    drop(service.stop());

    let service = world.serve(&[AT_ONCE]);
    others_run(&service);
    assert_eq!(runs(&service, "probe"), before);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    drop(world.host(&["resume", "probe"]).exits(0));
    wait_until("it runs again", || runs(&service, "probe") > before);
}

#[test]
fn an_explicit_run_is_refused_with_the_reason_and_a_run_of_all_skips_it() {
    let mut world = World::new();
    world.install("probe");
    world.install("probe_other");
    write_sessions(&world, 1);
    let service = world.serve(&[]);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    let paused = world
        .host(&["pause", "probe", "--reason", "its model is down"])
        .exits(0);
    assert!(
        paused.stdout.contains("by admin: its model is down"),
        "{}",
        paused.stdout
    );

    for path in ["run-session-processor", "retry"] {
        let refused = service
            .post(&format!("/api/admin/{path}?processor=probe"))
            .is(409)
            .detail();
        assert!(refused.contains("its model is down"), "{refused}");
        assert!(refused.contains("session-host resume probe"), "{refused}");
    }
    let refused = world.run(&["probe"]).exits(1);
    assert!(refused.stderr.contains("its model is down"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("session-host resume probe"),
        "{}",
        refused.stderr
    );
    let all = world.run(&[]).exits(0);
    assert_eq!(all.result().processor, "probe_other");
    assert!(all.stderr.contains("skipped probe, which is paused"), "{}", all.stderr);
    let table = world.host(&["run"]).exits(0).stdout;
    assert!(table.contains("skipped probe, which is paused"), "{table}");

    drop(world.host(&["pause", "probe_other"]).exits(0));
    let none = world.host(&["run"]).exits(0).stdout;
    assert_eq!(none.matches("skipped probe").count(), 2, "{none}");
    drop(service.post(RESUME).is(200));
    assert_eq!(world.run(&[]).exits(0).result().processed, 1);
}

#[test]
fn a_run_under_way_ends() {
    let world = World::new();
    world.install("probe");
    let held = Held::write(&world, "alice/held.jsonl");
    let service = world.serve(&[]);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| service.run("probe").is(200).json());
        held.starts();
        drop(service.post(PAUSE).is(200));
        held.let_go();
        assert_eq!(running.join().unwrap()["details"]["processed"], 1);
    });
    drop(service.run("probe").is(409));
}

#[test]
fn lists_and_health_show_the_pause_which_is_no_degradation() {
    let mut world = World::new();
    world.install("probe");
    write_sessions(&world, 1);
    world.age("alice/0.jsonl", Duration::from_secs(86_400));
    world.config("stuck_file_grace_seconds = 0");
    let service = world.serve(&[]);
    let kinds = || {
        let health = health(&service);
        let warnings = health["processors"]["probe"]["warnings"].as_array().cloned();
        let kinds: Vec<Value> = warnings
            .into_iter()
            .flatten()
            .map(|warning| warning["kind"].clone())
            .collect();
        (health["status"].clone(), kinds)
    };
    let late = (json!("degraded"), vec![json!("stuck")]);
    wait_until("health warns", || kinds() == late);

    let answer = service.post(PAUSE).is(200).json();
    let pause = &answer["paused"];
    assert_eq!(
        (&pause["reason"], &pause["actor"]),
        (&json!("its model is down"), &json!("admin"))
    );
    // Neither waits for a check of health.
    assert_eq!(kinds(), (json!("ok"), Vec::new()));
    assert_eq!(&health(&service)["processors"]["probe"]["paused"], pause);
    assert_eq!(&listed(&service, "probe", "loaded")["paused"], pause);
    let status = service.get("/api/admin/status").is(200).json();
    assert_eq!(&status["processors"][0]["paused"], pause);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    for list in ["processors", "status"] {
        let table = world.host(&[list]).exits(0).stdout;
        assert!(table.contains("paused"), "{table}");
    }
    let gauge = |value: u64| {
        let line = format!("session_host_paused{{processor=\"probe\"}} {value}\n");
        wait_until("the metric follows", || {
            service.get("/metrics").is(200).body.contains(&line)
        });
    };
    gauge(1);

    assert_eq!(service.post(RESUME).is(200).json()["paused"], Value::Null);
    assert_eq!(kinds(), late);
    assert_eq!(health(&service)["processors"]["probe"]["paused"], Value::Null);
    gauge(0);
}

#[test]
fn every_call_is_in_the_audit_log() {
    let world = World::new();
    world.install("probe");
    let service = world.serve(&[]);
    drop(service.post(RESUME).is(404));
    drop(service.post(PAUSE).is(200));
    drop(service.post(RESUME).is(200));
    let unknown = service.post("/api/admin/pause?processor=nobody").is(400).detail();
    assert!(unknown.contains("no processor nobody is loaded"), "{unknown}");
    let sql = "SELECT list(actor || ' ' || action || ' ' || result ORDER BY id) FROM audit_log
               WHERE action LIKE 'pause:%' OR action LIKE 'resume:%'";
    let expected = json!([
        "admin resume:probe failed",
        "admin pause:probe ok",
        "admin resume:probe ok",
        "admin pause:nobody failed"
    ]);
    assert_eq!(value(&service, sql), expected);
    let reason = "SELECT params->>'$.paused.reason' FROM audit_log WHERE action = 'pause:probe'";
    assert_eq!(value(&service, reason), json!("its model is down"));
}
