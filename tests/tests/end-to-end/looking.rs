//! `session-host processors` is a look: it writes nothing. And what permissions forbid is told as that.

use std::{collections::BTreeMap, fs, path::PathBuf, time::SystemTime};

use session_host_tests::World;

use crate::script::rows;

/// Every file of the data directory, with its content and when it was written.
pub(crate) fn data(world: &World) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![world.path("data")];
    while let Some(folder) = folders.pop() {
        let written = fs::metadata(&folder).unwrap().modified().unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let written = fs::metadata(&path).unwrap().modified().unwrap();
                    found.insert(path.clone(), (fs::read(&path).unwrap(), written));
                }
            }
        }
        found.insert(folder, (Vec::new(), written));
    }
    found
}

#[test]
fn a_look_makes_no_state() {
    let world = World::with(&["probe"]);
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    assert!(!world.path("data").exists());
}

#[test]
fn a_look_tells_which_migrations_are_outstanding_and_applies_none() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(1));
    drop(world.run(&[]).exits(0));
    world.install("probe_other");
    let before = data(&world);
    let reasons = || {
        let listed = world.host(&["processors", "--json"]).exits(0).json();
        let reason = |name: &str| {
            let mut files = listed.as_array().unwrap().iter();
            let file = files.find(|file| file["processor"] == name).unwrap();
            assert_eq!(file["status"], "loaded");
            file["reason"].as_str().unwrap_or_default().to_owned()
        };
        (reason("probe"), reason("probe_other"))
    };
    let (applied, outstanding) = reasons();
    assert_eq!(applied, "");
    assert!(outstanding.starts_with("pending migrations: 1;"), "{outstanding}");
    assert!(data(&world) == before, "the look has written something");
    drop(world.run(&[]).exits(0));
    assert_eq!(reasons(), (String::new(), String::new()));
}

#[test]
fn a_look_needs_no_right_to_write() {
    let world = World::with(&["probe"]);
    drop(world.run(&[]).exits(0));
    world.chmod("data/session-host.duckdb", 0o444);
    world.chmod("data", 0o555);
    let ran = crate::nobody::host(&world, &["processors", "--json"]).exits(0);
    assert_eq!(ran.json()[0]["status"], "loaded");
    world.chmod("data", 0o755);
}

#[test]
fn what_may_not_be_written_is_told_as_that() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", rows(1));
    fs::create_dir(world.path("data")).unwrap();
    world.chmod("data", 0o555);
    let told = |what: &str| {
        let ran = crate::nobody::run(&world, &[]);
        assert!(ran.status > 0, "{what}: {}", ran.stdout);
        let complaint = ran.stderr.lines().last().unwrap_or_default().to_owned();
        assert!(complaint.starts_with("session-host: "), "{what}: {}", ran.stderr);
        assert!(
            complaint.contains("Permission denied") || complaint.contains("may not be opened by this user"),
            "{what}: {complaint}"
        );
        assert!(!ran.stderr.contains("checkpoint"), "{what}: {}", ran.stderr);
    };
    told("a folder without a state");
    world.chmod("data", 0o755);
    drop(crate::nobody::run(&world, &[]).exits(0));
    world.chmod("data", 0o555);
    told("a folder with a state");
    world.chmod("data", 0o755);
    world.chmod("data/session-host.duckdb", 0o444);
    told("a state");
    world.chmod("data/session-host.duckdb", 0o000);
    told("a state that may not even be read");
}
