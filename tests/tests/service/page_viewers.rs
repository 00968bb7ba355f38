//! Viewers: they look, and do nothing.

use session_host_tests::{FORM, Service, Visit, World, named_token};

use crate::steps::write_sessions;

const VIEWER: &str = "correct-horse-battery-staple";
const ADMIN: &str = "incorrect-horse-battery-staple";

/// A world with a viewer and a second admin, and a server that has processed a session.
fn serve() -> (World, Service) {
    let world = World::with(&["probe"]);
    write_sessions(&world, 1);
    world.config(&(named_token("ann", VIEWER, "viewer") + &named_token("ben", ADMIN, "admin")));
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    (world, service)
}

#[track_caller]
fn visit(service: &Service, token: &str) -> Visit {
    Visit::let_in(
        &service
            .call_with("POST", "/sign-in", FORM, &format!("token={token}"))
            .is(303),
    )
}

fn bearing(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

#[test]
fn a_viewer_sees_pages_and_acts_in_none() {
    let (_world, service) = serve();
    let viewer = visit(&service, VIEWER);
    for target in [
        "/",
        "/processors",
        "/processors/probe",
        "/reports",
        "/sessions",
        "/sessions/one?key=alice/0.jsonl",
        "/search",
        "/search?words=x",
        "/failures",
        "/failures/session?key=alice/0.jsonl",
        "/overview/charts",
    ] {
        let page = viewer.get(&service, target).is(200).body;
        for action in [
            "/run",
            "/pause",
            "/plugins/reload",
            "/failures/retry",
            "\"/audit\"",
            "\"/query\"",
        ] {
            assert!(
                !page.contains(&format!("action=\"{action}")) && !page.contains(&format!("href={action}")),
                "{page}"
            );
        }
        for offer in ["Run now", "/reprocess", "/sessions/forget"] {
            assert!(!page.contains(offer), "{offer} in {page}");
        }
    }
    for target in [
        "/audit",
        "/query",
        "/processors/probe/reprocess",
        "/sessions/forget?key=alice/0.jsonl",
    ] {
        let refused = viewer.get(&service, target).is(403);
        assert!(refused.body.contains("role `viewer`"), "{}", refused.body);
    }
    for target in [
        "/processors/probe/run",
        "/processors/probe/pause",
        "/processors/probe/resume",
        "/failures/retry",
        "/plugins/reload",
        "/processors/probe/reprocess",
        "/sessions/forget",
        "/query",
    ] {
        drop(viewer.act(&service, target, "processor=probe&sql=SELECT+1").is(403));
    }
    assert_eq!(viewer.act(&service, "/sign-out", "").status, 303);
    assert_eq!(viewer.get(&service, "/").status, 303);
}

#[test]
fn a_viewer_reads_the_interface_and_changes_nothing() {
    let (_world, service) = serve();
    for target in [
        "/api/admin/processors",
        "/api/admin/status",
        "/api/admin/runs",
        "/api/reports",
    ] {
        drop(service.call_with("GET", target, &bearing(VIEWER), "").is(200));
    }
    for target in [
        "/api/admin/run-session-processor?processor=probe",
        "/api/admin/query",
        "/api/admin/export",
        "/api/admin/forget?subject=alice",
    ] {
        let refused = service.call_with("POST", target, &bearing(VIEWER), "{}").is(403);
        assert!(refused.detail().contains("role `viewer`"));
        assert_ne!(service.call_with("POST", target, &bearing(ADMIN), "{}").status, 403);
    }
}

#[test]
fn a_named_admin_acts_and_a_token_that_is_gone_ends_its_visits() {
    let (world, service) = serve();
    let (admin, viewer) = (visit(&service, ADMIN), visit(&service, VIEWER));
    drop(admin.act(&service, "/processors/probe/pause", "").is(303));
    drop(admin.get(&service, "/audit").is(200));
    drop(service.stop());
    world.config("");
    let again = world.serve(&[]);
    for visit in [&admin, &viewer] {
        assert_eq!(visit.get(&again, "/").status, 303);
    }
    let refused = again.call_with("POST", "/sign-in", FORM, &format!("token={VIEWER}"));
    assert_eq!(refused.status, 401);
}

#[test]
fn the_audit_log_names_the_token_of_whoever_asked() {
    let (world, service) = serve();
    let (admin, viewer) = (visit(&service, ADMIN), visit(&service, VIEWER));
    drop(
        service
            .call_with("GET", "/api/admin/runs", &bearing(VIEWER), "")
            .is(200),
    );
    drop(
        service
            .call_with("POST", "/api/admin/pause?processor=probe", &bearing(ADMIN), "")
            .is(200),
    );
    drop(admin.act(&service, "/processors/probe/resume", "").is(303));
    drop(viewer.get(&service, "/reports/nobody.nothing").is(404));
    drop(service.run("probe").is(200));
    drop(
        service
            .call_with(
                "POST",
                "/api/admin/run-session-processor?processor=probe",
                &bearing(ADMIN),
                "",
            )
            .is(200),
    );
    let found = Visit::of(&service)
        .get(&service, "/audit?actor=viewer:ann")
        .is(200)
        .body;
    assert!(found.contains("viewer:ann") && !found.contains("admin:ben"), "{found}");
    let metrics = service.get("/metrics").is(200).body;
    assert!(
        metrics.contains("actor=\"admin\"") && !metrics.contains("ben"),
        "{metrics}"
    );
    drop(service.stop());
    let rows = world.rows("SELECT actor, action FROM audit_log ORDER BY id");
    let rows: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row["actor"].as_str().unwrap(), row["action"].as_str().unwrap()))
        .collect();
    let expected = [
        ("admin", "run_session_processor:probe"),
        ("viewer:ann", "runs"),
        ("admin:ben", "pause:probe"),
        ("admin:ben", "resume:probe"),
        ("viewer:ann", "report"),
        ("admin", "run_session_processor:probe"),
        ("admin:ben", "run_session_processor:probe"),
    ];
    assert_eq!(rows, expected);
}
