//! Corrections of the state, beside runs and without.

use std::{fs, thread};

use serde_json::json;
use session_host_tests::{Held, World};

use crate::steps::{serve_processed, value, write_sessions};

#[test]
fn a_session_or_all_are_processed_again() {
    let (world, service) = serve_processed(3);
    let one = service
        .post("/api/admin/reprocess?processor=probe&session=alice/1.jsonl")
        .is(200);
    let bytes = fs::metadata(world.sessions().join("alice/1.jsonl")).unwrap().len();
    assert_eq!(
        one.json(),
        json!({"processor": "probe", "sessions": 1, "bytes": bytes, "dry_run": false})
    );
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 1);
    assert_eq!(
        service.post("/api/admin/reprocess?processor=probe").is(200).json()["sessions"],
        3
    );
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 3);
    assert_eq!(value(&service, "SELECT count(*) FROM probe_rows"), json!(3));
    let counted = service
        .post("/api/admin/reprocess?processor=probe&dry_run=true")
        .is(200);
    assert_eq!(counted.json()["dry_run"], true);
    let last = "SELECT action FROM audit_log WHERE starts_with(action, 'reprocess') ORDER BY id DESC LIMIT 1";
    assert_eq!(value(&service, last), json!("reprocess_dry_run:probe"));
    for target in ["processor=probe&session=alice/9.jsonl", "processor=nobody"] {
        drop(service.post(&format!("/api/admin/reprocess?{target}")).is(404).detail());
    }
}

#[test]
fn what_is_forgotten_is_gone_from_every_table() {
    let world = World::with(&["probe", "probe_other"]);
    write_sessions(&world, 2);
    world.write("bruno/1.jsonl", r#"{"do":"rows","count":1}"#);
    let service = world.serve(&[]);
    for processor in ["probe", "probe_other"] {
        drop(service.run(processor).is(200));
    }
    let forgotten = service.post("/api/admin/forget?subject=alice").is(200).json();
    let expected = json!({
        "states": 4, "failures": 0, "rows": 4, "audit_entries": 0, "shared_tables": ["probe_other_totals", "probe_totals"], "exports": [],
        "purged": true, "purge_waits": null,
    });
    assert_eq!(forgotten, expected);
    assert_eq!(value(&service, "SELECT count(*) FROM probe_rows"), json!(1));
    drop(service.post("/api/admin/forget?subject=alice").is(404).detail());
    drop(service.post("/api/admin/forget?subject=bruno/1.jsonl").is(200));
}

#[test]
fn nothing_is_corrected_while_a_run_could_undo_it() {
    let world = World::with(&["probe", "probe_other"]);
    write_sessions(&world, 1);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    drop(service.run("probe_other").is(200));
    let held = Held::write(&world, "alice/held.jsonl");
    thread::scope(|scope| {
        let run = scope.spawn(|| service.run("probe").status);
        held.starts();
        for target in [
            "reprocess?processor=probe",
            "forget?subject=alice",
            "retry?processor=probe",
        ] {
            let detail = service.post(&format!("/api/admin/{target}")).is(409).detail();
            assert!(detail.contains("probe is already running"), "{detail}");
        }
        // Another processor's sessions are nobody's business.
        drop(service.post("/api/admin/reprocess?processor=probe_other").is(200));
        held.let_go();
        assert_eq!(run.join().unwrap(), 200);
    });
    drop(service.post("/api/admin/forget?subject=alice").is(200));
}

#[test]
fn a_hook_that_never_returns_holds_up_nothing_but_its_processor() {
    let world = World::new();
    world.install("counts");
    world.install("probe");
    write_sessions(&world, 1);
    world.config("attempt_timeout_seconds = 5\n[processors.counts]\nforgotten = \"hang\"\n");
    let service = world.serve(&[]);
    drop(service.run("counts").is(200));
    let detail = service.post("/api/admin/forget?subject=alice").is(500).detail();
    assert!(
        detail.contains("the hook `forgotten` of processor counts did not return"),
        "{detail}"
    );
    drop(service.run("probe").is(200));
    assert_eq!(value(&service, "SELECT n FROM counts_totals"), json!(1));
    let detail = service.post("/api/admin/forget?subject=alice").is(500).detail();
    assert!(detail.contains("out of service"), "{detail}");
    assert_eq!(service.stop().0, Some(0));
}
