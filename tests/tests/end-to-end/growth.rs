//! The interface grows: a host and a plugin of either minor version, each with one of the other.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::{Value, json};
use session_host_tests::{LibraryFile, World, grown, library, library_name, target_folder};

/// The minor version of the interface as it is now.
const MINOR: u32 = 4;

static GROWN: LazyLock<(PathBuf, PathBuf)> = LazyLock::new(grown);

fn plugin_of_now() -> PathBuf {
    library("growth_plugin")
}

fn host_of_now() -> PathBuf {
    // Looked up after the plugin, which sees to it that both are built.
    let _ = plugin_of_now();
    target_folder().join("growth_host")
}

#[track_caller]
fn answers<const N: usize>(host: &Path, plugins: [&Path; N]) -> Value {
    let ran = Command::new(host).args(plugins).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn items(count: u64) -> Value {
    let reading = json!({"is_known": false, "unreadable_lines": 0, "first_unreadable": []});
    json!({"returned": {"items_count": count, "reading": reading}})
}

#[test]
fn a_host_of_now_calls_of_a_grown_plugin_what_it_knows() {
    let (_, grown) = &*GROWN;
    assert_eq!(
        answers(&host_of_now(), [&plugin_of_now(), grown]),
        json!([{"minor": MINOR, "processed": items(3)}, {"minor": MINOR + 1, "processed": items(3)}])
    );
}

#[test]
fn a_grown_host_finds_the_defaults_of_what_a_plugin_of_now_lacks() {
    let (host, grown) = &*GROWN;
    assert_eq!(
        answers(host, [grown, &plugin_of_now()]),
        json!([
            {"minor": MINOR + 1, "processed": items(1003), "farewell": "goodbye", "note": "grown"},
            {"minor": MINOR, "processed": items(3), "farewell": "none", "note": null}
        ])
    );
}

#[test]
fn the_order_of_loading_does_not_matter() {
    let (host, grown) = &*GROWN;
    let now = plugin_of_now();
    for host in [host, &host_of_now()] {
        let first = answers(host, [grown, &now]);
        let second = answers(host, [&now, grown]);
        assert_eq!((&first[0], &first[1]), (&second[1], &second[0]));
    }
}

#[test]
fn session_host_itself_runs_old_and_grown_plugins_side_by_side() {
    let world = World::new();
    let (_, plugin) = &*GROWN;
    world.install("probe");
    world.install_file(LibraryFile::At(plugin), &library_name("growth"));
    world.write("alice/a.jsonl", "{}\n{}\n");
    let ran = world.run(&[]).exits(0);
    assert_eq!(
        (
            ran.result_of("growth").items_extracted,
            ran.result_of("probe").unrecognised
        ),
        (2, 1)
    );
    let listing = world.processors();
    let trace = &listing.of(&library_name("growth")).trace;
    let interface = format!("interface 1.{}, rustc ", MINOR + 1);
    assert!(trace.iter().any(|step| step.starts_with(&interface)), "{trace:?}");
}
