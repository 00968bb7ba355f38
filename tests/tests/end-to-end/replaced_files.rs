//! A plugin's file that changes while its code runs.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{World, library, library_name, wait_until};

fn versions(world: &World) -> Vec<Value> {
    world.rows("SELECT DISTINCT output_version FROM session_processor_state")
}

#[test]
fn a_run_ends_well_on_the_code_that_it_began_with() {
    let world = World::new();
    let file = world.install("probe");
    let (started, go_on) = (world.path("started"), world.path("go on"));
    let steps = [
        json!({"do": "touch", "path": started}),
        json!({"do": "wait_for_file", "path": go_on}),
        json!({"do": "rows", "count": 1}),
        json!({"do": "thread_panics"}),
    ];
    world.write("alice/a.jsonl", steps.map(|step| step.to_string()).join("\n"));
    world.write("alice/b.jsonl", r#"{"do":"rows","count":1}"#);

    let running = world.start(&["run", "--json"]);
    wait_until("the attempt is under way", || started.exists());
    // As `cp` does: into the file that is there. Its first pages are those that would have run already.
    fs::write(&file, fs::read(library("probe_v2")).unwrap()).unwrap();
    fs::write(go_on, "").unwrap();
    let ran = running.ends().exits(0);
    assert_eq!(ran.result().processed, 2);
    assert_eq!(versions(&world), [json!({"output_version": 0})]);

    let ran = world.run(&[]).exits(0);
    assert_eq!((ran.result().scanned, ran.result().processed), (2, 2));
    assert_eq!(versions(&world), [json!({"output_version": 2})]);
}

#[test]
fn a_file_that_is_emptied_harms_nobody() {
    let world = World::new();
    let file = world.install("probe");
    let (started, go_on) = (world.path("started"), world.path("go on"));
    let wait = json!({"do": "wait_for_file", "path": go_on});
    let touch = json!({"do": "touch", "path": started});
    world.write(
        "alice/a.jsonl",
        format!("{touch}\n{wait}\n{}", json!({"do": "panic", "payload": "string"})),
    );
    let running = world.start(&["run", "--json"]);
    wait_until("the attempt is under way", || started.exists());
    fs::File::create(&file).unwrap();
    fs::write(go_on, "").unwrap();
    assert_eq!(running.ends().exits(1).result().errors, 1);
    assert!(
        world
            .processors()
            .rejection_of(&library_name("probe"))
            .contains("cut short")
    );
}

#[test]
fn copies_that_nothing_uses_are_removed_at_start() {
    let world = World::new();
    let copies = || fs::read_dir(world.path("data/plugin-copies")).unwrap().count();
    world.install("probe");
    world.install("probe_other");
    assert_eq!(world.run(&[]).exits(0).results.len(), 2);
    assert_eq!(copies(), 2);

    fs::write(world.path("data/plugin-copies/0123.7.aside"), "what a crash left").unwrap();
    world.install_as("probe_v2", &library_name("probe"));
    fs::remove_file(world.plugins().join(library_name("probe_other"))).unwrap();
    assert_eq!(world.run(&[]).exits(0).results.len(), 1);
    assert_eq!(copies(), 1);
}

#[test]
fn a_copy_that_was_damaged_is_made_anew() {
    let world = World::with(&["probe"]);
    assert_eq!(world.run(&[]).exits(0).results.len(), 1);
    for copy in fs::read_dir(world.path("data/plugin-copies")).unwrap() {
        fs::write(copy.unwrap().path(), "damaged").unwrap();
    }
    assert_eq!(world.run(&[]).exits(0).results.len(), 1);
}
