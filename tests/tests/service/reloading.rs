//! Plugins that come, change and go while the service runs.

use std::{fs, thread};

use serde_json::json;
use session_host_tests::{Held, Service, World, library, library_name, wait_until};

use crate::steps::{listed, serve_processed, value, write_sessions};

/// As `cp` does: into the file that is there.
fn overwrite(world: &World, plugin: &str, with: &str) {
    fs::write(
        world.plugins().join(library_name(plugin)),
        fs::read(library(with)).unwrap(),
    )
    .unwrap();
}

fn versions(service: &Service) -> serde_json::Value {
    value(
        service,
        "SELECT list(DISTINCT output_version ORDER BY output_version) FROM session_processor_state",
    )
}

#[test]
fn a_replaced_file_serves_the_next_run_after_a_reload_and_after_a_restart() {
    let (world, service) = serve_processed(2);
    overwrite(&world, "probe", "probe_v2");
    drop(service.run("probe").is(200));
    assert_eq!(versions(&service), json!([0]));
    let plugins = service.post("/api/admin/reload-plugins").is(200).json();
    let statuses: Vec<_> = plugins["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["status"].clone())
        .collect();
    assert_eq!(statuses, [json!("loaded"), json!("replaced")]);
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 2);
    assert_eq!(versions(&service), json!([2]));
    drop(service.stop());
    let service = world.serve(&[]);
    write_sessions(&world, 3);
    drop(service.run("probe").is(200));
    assert_eq!(versions(&service), json!([2]));
}

#[test]
fn a_run_ends_on_the_code_that_it_began_with_and_the_next_has_the_new() {
    let world = World::with(&["probe"]);
    let held = Held::write(&world, "alice/held.jsonl");
    let service = world.serve(&[]);
    thread::scope(|scope| {
        let run = scope.spawn(|| service.run("probe").status);
        held.starts();
        overwrite(&world, "probe", "probe_v2");
        drop(service.post("/api/admin/reload-plugins").is(200));
        let waiting = listed(&service, "probe", "loaded")["reason"].to_string();
        assert!(waiting.contains("when the run under way has ended"), "{waiting}");
        held.let_go();
        assert_eq!(run.join().unwrap(), 200);
    });
    assert_eq!(versions(&service), json!([0]));
    assert!(listed(&service, "probe", "loaded")["reason"].is_null());
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 1);
    assert_eq!(versions(&service), json!([2]));
}

#[test]
fn a_broken_file_leaves_the_loaded_one_in_service() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 1);
    let service = world.serve(&[]);
    let file = world.plugins().join(library_name("probe"));
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    drop(service.post("/api/admin/reload-plugins").is(200));
    let reason = listed(&service, "probe", "loaded")["reason"].to_string();
    assert!(
        reason.contains("stays in service") && reason.contains("cut short"),
        "{reason}"
    );
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 1);
    let health = || service.get("/api/health").is(200).json();
    wait_until("health tells of it", || health()["warnings"][0]["kind"] == "rejected");
    fs::write(&file, whole).unwrap();
    service.signal(libc::SIGHUP);
    wait_until("the whole file is taken", || {
        listed(&service, "probe", "loaded")["reason"].is_null()
    });
    wait_until("health is well", || health()["status"] == "ok");
}

#[test]
fn plugins_come_and_go_beside_each_other() {
    let (world, service) = serve_processed(1);
    let gauge = "session_host_backlog_sessions{processor=\"probe\"}";
    wait_until("the backlog is told", || service.get("/metrics").body.contains(gauge));
    fs::remove_file(world.plugins().join(library_name("probe"))).unwrap();
    world.install("probe_other");
    drop(service.post("/api/admin/reload-plugins").is(200));
    assert_eq!(listed(&service, "probe", "removed")["status"], "removed");
    wait_until("the backlog is told no more", || {
        !service.get("/metrics").body.contains(gauge)
    });
    let detail = service.run("probe").is(400).detail();
    assert!(detail.contains("probe_other"), "{detail}");
    wait_until("the new processor has its sessions", || {
        service.run("probe_other").is(200).json()["details"]["processed"] == 1
    });
    assert_eq!(value(&service, "SELECT count(*) FROM probe_rows"), json!(1));
    // What comes back takes up where it was.
    world.install_as("probe", "again.so");
    drop(service.post("/api/admin/reload-plugins").is(200));
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 0);
}

#[test]
fn a_new_plugin_is_scheduled_from_the_reload_on() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 1);
    let service = world.serve(&[session_host_tests::AT_ONCE]);
    world.install("probe_other");
    drop(service.post("/api/admin/reload-plugins").is(200));
    wait_until("it has run", || {
        value(&service, "SELECT count(*) FROM probe_other_rows") == json!(1)
    });
    assert_eq!(
        listed(&service, "probe_other", "loaded")["schedule"]["cadence"],
        "every 1h"
    );
}

#[test]
fn a_plugins_directory_that_is_gone_changes_nothing() {
    let world = World::with(&["probe"]);
    write_sessions(&world, 1);
    let service = world.serve(&[]);
    fs::rename(world.plugins(), world.path("elsewhere")).unwrap();
    let detail = service.post("/api/admin/reload-plugins").is(500).detail();
    assert!(detail.contains("plugins directory"), "{detail}");
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 1);
}
