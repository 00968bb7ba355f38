//! A plugin's file that changes while its code runs.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{Held, World, library, library_name};

fn versions(world: &World) -> Vec<Value> {
    world.rows("SELECT DISTINCT output_version FROM session_processor_state")
}

#[test]
fn a_run_ends_well_on_the_code_that_it_began_with() {
    let world = World::new();
    let file = world.install("probe");
    let held = Held::before(
        &world,
        "alice/a.jsonl",
        "{\"do\":\"rows\",\"count\":1}\n{\"do\":\"thread_panics\"}",
    );
    world.write("alice/b.jsonl", r#"{"do":"rows","count":1}"#);

    let running = world.start(&["run", "--json"]);
    held.starts();
    // As `cp` does: into the file that is there. Its first pages are those that would have run already.
    fs::write(&file, fs::read(library("probe_v2")).unwrap()).unwrap();
    held.let_go();
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
    let held = Held::before(&world, "alice/a.jsonl", r#"{"do":"panic","payload":"string"}"#);
    let running = world.start(&["run", "--json"]);
    held.starts();
    fs::File::create(&file).unwrap();
    held.let_go();
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
