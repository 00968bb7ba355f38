//! Plugin files that must have a certain content, and files that stay in the plugins directory without being loaded.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use serde_json::{Value, json};
use session_host_tests::{World, wait_until};

use crate::script::rows;

/// The digests that `processors --lock` pins now, with what has changed.
#[track_caller]
fn lock(world: &World) -> Vec<(String, String, String)> {
    let locked = world.host(&["processors", "--lock", "--json"]).exits(0).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = |line: &Value| (text(&line["file"]), text(&line["digest"]), text(&line["change"]));
    locked.as_array().unwrap().iter().map(line).collect()
}

fn lock_file(world: &World) -> PathBuf {
    world.plugins().join("plugins.lock")
}

#[test]
fn a_file_with_another_digest_than_its_pin_is_rejected_with_both_until_it_is_pinned() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(1));
    let first = lock(&world);
    let (file, pinned, change) = &first[0];
    assert_eq!((first.len(), &**file, &**change), (1, "probe.so", "new"));
    assert_eq!(pinned.len(), "sha256:".len() + 64);
    assert!(
        !world.path("data").exists(),
        "the command has written more than the lock file"
    );
    drop(world.run(&[]).exits(0));

    world.install_as("probe_v2", "probe.so");
    let listing = world.processors();
    let reason = listing.rejection_of("probe.so").to_owned();
    assert!(reason.contains(&**pinned), "{reason}");
    assert!(reason.contains("session-host processors --lock"), "{reason}");
    assert!(reason.contains(lock_file(&world).to_str().unwrap()), "{reason}");
    assert!(
        listing
            .of("probe.so")
            .trace
            .iter()
            .all(|step| step.starts_with("rejected"))
    );
    drop(world.run(&[]).exits(2));

    let second = lock(&world);
    let (_, found, change) = &second[0];
    assert_eq!(change, "changed");
    assert!(found != pinned && reason.contains(&**found), "{reason}");
    drop(world.run(&[]).exits(0));
    assert_eq!(lock(&world)[0].2, "unchanged");
    fs::remove_file(world.plugins().join("probe.so")).unwrap();
    assert_eq!(lock(&world)[0].2, "removed");
    assert_eq!(lock(&world), []);
}

#[test]
fn a_file_without_a_pin_is_loaded_unless_digests_are_required() {
    let world = World::with(&["probe"]);
    drop(lock(&world));
    world.install("probe_other");
    assert_eq!(world.processors().loaded(), ["probe", "probe_other"]);

    world.config("require_digests = true\n");
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    let reason = listing.rejection_of("probe_other.so");
    for part in ["sha256:", "require_digests", "session-host processors --lock"] {
        assert!(reason.contains(part), "{part} is not in {reason}");
    }
    drop(world.run(&[]).exits(1));
    drop(lock(&world));
    assert_eq!(world.processors().loaded(), ["probe", "probe_other"]);
    drop(world.run(&[]).exits(0));
}

#[test]
fn no_code_runs_of_a_file_that_is_not_pinned() {
    let world = World::with(&["probe"]);
    world.config("require_digests = true\n");
    drop(world.run(&[]).exits(2));
    // A library is tried in a worker process before anything else of it runs.
    assert!(!world.path("data/plugin-trials.json").exists());
    let copies = fs::read_dir(world.path("data/plugin-copies")).unwrap();
    assert_eq!(copies.count(), 0);
}

#[test]
fn a_file_that_does_not_load_is_not_pinned() {
    let world = World::with(&["probe"]);
    fs::write(world.plugins().join("broken.so"), "no library").unwrap();
    world.config("[processors.probe]\nrefuse = \"not today\"\n");
    let files: Vec<String> = lock(&world).into_iter().map(|(file, ..)| file).collect();
    assert_eq!(files, ["probe.so"]);
}

#[test]
fn the_configuration_names_the_lock_file() {
    let world = World::with(&["probe"]);
    world.config("digests = \"pins/lock.toml\"\n");
    let missing = world.run(&[]).exits(2);
    missing.tells("pins/lock.toml");
    missing.tells("session-host processors --lock");
    let unwritten = world.host(&["processors", "--lock"]).exits(2);
    unwritten.tells("cannot write the digests");
    fs::create_dir(world.path("pins")).unwrap();
    drop(world.host(&["processors", "--lock"]).exits(0));
    let lock = world.path("pins/lock.toml");
    assert_eq!(fs::metadata(&lock).unwrap().permissions().mode() & 0o777, 0o644);
    assert!(!lock_file(&world).exists());
    drop(world.run(&[]).exits(0));
}

#[test]
fn a_lock_file_that_is_damaged_or_that_others_may_write_is_refused() {
    let world = World::with(&["probe"]);
    for (text, told) in [
        (
            "[plugins]\n\"probe.so\" = \"sha256:00\"\n",
            "line 2: `sha256:00` is no digest",
        ),
        ("plugins = 3\n", "line 1"),
        ("[others]\n", "line 1"),
    ] {
        fs::write(lock_file(&world), text).unwrap();
        world.run(&[]).exits(2).tells(told);
        world.host(&["processors", "--lock"]).exits(2).tells(told);
    }
    fs::write(lock_file(&world), "[plugins]\n").unwrap();
    world.chmod("plugins/plugins.lock", 0o666);
    world
        .run(&[])
        .exits(2)
        .tells("the digests of the plugins are not trusted");
}

#[test]
fn a_check_of_a_plugin_pays_no_heed_to_pins() {
    let world = World::with(&["probe"]);
    world.config("require_digests = true\ndisabled_plugins = [\"probe.so\"]\n");
    let file = world.plugins().join("probe.so");
    let report = world.host(&["check", "--json", file.to_str().unwrap()]).json();
    assert_eq!(report["plugin"]["status"], "loaded", "{report}");
}

#[test]
fn a_reload_keeps_the_pinned_file_in_service() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(1));
    drop(lock(&world));
    let service = world.serve(&[]);
    world.install_as("probe_v2", "probe.so");
    let reloaded = service.post("/api/admin/reload-plugins").is(200).json();
    let plugin = &reloaded["plugins"][0];
    let reason = plugin["reason"].as_str().unwrap();
    assert_eq!(plugin["status"], "loaded");
    assert!(
        reason.contains("stays in service") && reason.contains("sha256:"),
        "{reason}"
    );
    drop(lock(&world));
    let reloaded = service.post("/api/admin/reload-plugins").is(200).json();
    assert_eq!(reloaded["plugins"][0]["reason"], Value::Null);
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 1);
}

#[test]
fn a_disabled_file_stays_where_it_is_and_is_not_loaded() {
    let world = World::with(&["probe", "probe_other"]);
    world.write("alice/a.jsonl", rows(1));
    world.config(
        "disabled_plugins = [\"probe_other.so\", \"nowhere.so\"]\n[processors.probe_other]\n[isolation.probe_other]\n",
    );
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    let disabled = listing.of("probe_other.so");
    assert_eq!((&*disabled.status, &disabled.processor), ("disabled", &None));
    assert_eq!(
        disabled.reason.as_deref(),
        Some("`disabled_plugins` in the configuration names it")
    );
    let ran = world.run(&[]).exits(0);
    assert_eq!(ran.result().processor, "probe");
    ran.tells("`disabled_plugins` names nowhere.so, but the plugins directory has no such plugin file");
    assert!(!ran.stderr.contains("probe_other.so"), "{}", ran.stderr);
    world
        .run(&["probe_other"])
        .exits(2)
        .tells("disabled files: probe_other.so");
    world.config("");
    assert_eq!(world.run(&[]).exits(0).result_of("probe_other").processed, 1);
}

#[test]
fn the_variable_names_disabled_files_with_commas() {
    let mut world = World::with(&["probe", "probe_other"]);
    world.set_variable("SESSION_HOST_DISABLED_PLUGINS", "probe_other.so, probe.so");
    assert_eq!(world.processors().loaded(), [] as [&str; 0]);
}

#[test]
fn a_disabled_file_keeps_its_pin() {
    let world = World::with(&["probe", "probe_other"]);
    let first = lock(&world);
    world.config("require_digests = true\ndisabled_plugins = [\"probe_other.so\"]\n");
    let second = lock(&world);
    assert_eq!(first[1].1, second[1].1);
    assert_eq!(second[1].2, "unchanged");
}

#[test]
fn health_has_no_warning_of_a_disabled_file() {
    let world = World::with(&["probe", "probe_other"]);
    world.config("disabled_plugins = [\"probe_other.so\"]\n");
    let service = world.serve(&[]);
    let health = || service.get("/api/health").is(200).json();
    wait_until("health was checked", || !health()["checked_at"].is_null());
    let health = health();
    assert_eq!((&health["status"], &health["warnings"]), (&json!("ok"), &json!([])));
    assert_eq!(health["processors"].as_object().unwrap().len(), 1);
    let listed = service.get("/api/admin/processors").is(200).json();
    assert_eq!(listed["processors"][1]["status"], "disabled");
    let metric = "session_host_plugins{status=\"disabled\"} 1";
    wait_until("the metric tells of it", || {
        service.get("/metrics").body.contains(metric)
    });
}
