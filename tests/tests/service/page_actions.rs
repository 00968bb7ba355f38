//! What people do in the page, and what it leaves.

use serde_json::{Value, json};
use session_host_tests::{Service, Visit, World, wait_until};

use crate::steps::write_sessions;

/// A world with a session that succeeds and one that fails, and a server that has attempted both.
fn serve() -> (World, Service) {
    let world = World::with(&["probe"]);
    write_sessions(&world, 1);
    world.write("bruno/bad.jsonl", r#"{"do":"error","message":"no good"}"#);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    (world, service)
}

/// The actions in the audit log, with their results.
fn audited(world: &World) -> Vec<(Value, Value, Value, Value)> {
    let rows = world.rows("SELECT actor, action, resource, result FROM audit_log ORDER BY id");
    let row = |row: &Value| {
        let of = |name: &str| row[name].clone();
        (of("actor"), of("action"), of("resource"), of("result"))
    };
    rows.iter().map(row).collect()
}

#[test]
fn no_form_of_another_page_does_anything() {
    let (_world, service) = serve();
    let visit = Visit::of(&service);
    let secret = visit.secret(&service);
    let other = Visit::of(&service).secret(&service);
    for target in [
        "/processors/probe/run",
        "/processors/probe/pause",
        "/failures/retry",
        "/plugins/reload",
        "/processors/probe/reprocess",
        "/sessions/forget",
        "/query",
    ] {
        for body in [
            "",
            "secret=",
            &format!("secret={other}"),
            &format!("secret={secret}&secret={secret}"),
        ] {
            let answer = visit.send(&service, target, body).is(403);
            assert!(
                answer.body.contains("does not come from a page of this visit"),
                "{}",
                answer.body
            );
        }
        let foreign = visit.header() + "sec-fetch-site: cross-site\r\n" + session_host_tests::FORM;
        drop(
            service
                .call_with("POST", target, &foreign, &format!("secret={secret}"))
                .is(403),
        );
        let elsewhere = visit.header() + "origin: https://a.example\r\n" + session_host_tests::FORM;
        drop(
            service
                .call_with("POST", target, &elsewhere, &format!("secret={secret}"))
                .is(403),
        );
        drop(
            service
                .call_with("POST", target, session_host_tests::FORM, &format!("secret={secret}"))
                .is(303),
        );
        // A link does nothing.
        assert!(visit.get(&service, target).status != 303, "{target}");
    }
    let runs = service.get("/api/admin/runs").is(200).json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "nothing has run");
}

#[test]
fn an_action_in_the_page_leaves_the_row_of_the_interface() {
    /// What the page does, and the same over the interface.
    const SAME: &[(&str, &str, &str)] = &[
        (
            "/processors/probe/pause",
            "reason=its+model+is+down",
            "/api/admin/pause?processor=probe&reason=its%20model%20is%20down",
        ),
        (
            "/processors/probe/run",
            "",
            "/api/admin/run-session-processor?processor=probe",
        ),
        ("/processors/probe/resume", "", "/api/admin/resume?processor=probe"),
        ("/processors/probe/resume", "", "/api/admin/resume?processor=probe"),
        (
            "/processors/nobody/run",
            "",
            "/api/admin/run-session-processor?processor=nobody",
        ),
        ("/plugins/reload", "", "/api/admin/reload-plugins"),
        (
            "/failures/retry",
            "processor=probe&session=bruno/bad.jsonl",
            "/api/admin/retry?processor=probe&session=bruno/bad.jsonl",
        ),
        (
            "/processors/probe/run",
            "",
            "/api/admin/run-session-processor?processor=probe",
        ),
        (
            "/processors/probe/reprocess",
            "user=alice",
            "/api/admin/reprocess?processor=probe&user=alice",
        ),
        (
            "/processors/probe/reprocess",
            "user=nobody",
            "/api/admin/reprocess?processor=probe&user=nobody",
        ),
        (
            "/sessions/forget",
            "key=bruno/bad.jsonl",
            "/api/admin/forget?subject=bruno/bad.jsonl",
        ),
        (
            "/sessions/forget",
            "key=bruno/none.jsonl",
            "/api/admin/forget?subject=bruno/none.jsonl",
        ),
    ];
    let (by_page, service) = serve();
    let visit = Visit::of(&service);
    let health = || service.get("/api/health").json()["processors"]["probe"].clone();
    wait_until("health is checked", || health().is_object());
    for (action, fields, _) in SAME {
        wait_until("no run is under way", || health()["run"].is_null());
        drop(visit.act(&service, action, fields).is(303));
        drop(visit.get(&service, "/audit").is(200));
    }
    wait_until("the last run has ended", || health()["run"].is_null());
    drop(service.stop());
    let (by_interface, service) = serve();
    for (_, _, target) in SAME {
        drop(service.post(target));
    }
    drop(service.stop());
    assert_eq!(audited(&by_page), audited(&by_interface));
}

#[test]
fn the_next_page_tells_once_how_an_action_ended() {
    let (_world, service) = serve();
    let visit = Visit::of(&service);
    let answer = visit
        .act(&service, "/processors/probe/pause", "reason=<b>why</b>")
        .is(303);
    assert_eq!(answer.header("location"), Some("/processors/probe"));
    let page = visit.get(&service, "/processors/probe").is(200).body;
    assert!(
        page.contains("probe is paused") && page.contains("&lt;b&gt;why&lt;/b&gt;"),
        "{page}"
    );
    assert!(page.contains("Resume") && !page.contains("<b>"));
    assert!(
        !visit
            .get(&service, "/processors/probe")
            .is(200)
            .body
            .contains("role=\"status\"")
    );
    drop(visit.act(&service, "/processors/probe/run", "").is(303));
    let refused = visit.get(&service, "/processors/probe").is(200).body;
    assert!(
        refused.contains("role=\"alert\"") && refused.contains("paused"),
        "{refused}"
    );
}

#[test]
fn a_query_and_a_report_leave_a_row_and_looking_leaves_none() {
    let world = World::with(&["reporting"]);
    write_sessions(&world, 1);
    let service = world.serve(&[]);
    drop(service.run("reporting").is(200));
    let visit = Visit::of(&service);
    for target in [
        "/",
        "/overview/charts",
        "/processors",
        "/processors/reporting",
        "/processors/reporting/reprocess",
        "/reports",
        "/sessions",
        "/sessions/forget?key=alice/0.jsonl",
        "/failures",
        "/failures/session?key=alice/0.jsonl",
        "/audit",
        "/query",
    ] {
        drop(visit.get(&service, target).is(200));
    }
    drop(visit.act(&service, "/query", "sql=SELECT+1").is(200));
    drop(visit.act(&service, "/query", "sql=DROP+TABLE+x").is(200));
    drop(visit.get(&service, "/reports/reporting.nothing?limit=3"));
    drop(service.stop());
    let actions: Vec<(Value, Value)> = audited(&world)
        .into_iter()
        .map(|(_, action, _, result)| (action, result))
        .collect();
    let expected = [
        ("run_session_processor:reporting", "ok"),
        ("query", "ok"),
        ("query", "failed"),
        ("report", "failed"),
    ];
    assert_eq!(actions, expected.map(|(action, result)| (json!(action), json!(result))));
}
