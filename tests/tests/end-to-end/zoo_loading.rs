//! Plugins that crash or hang while they are loaded: each is rejected beside others that serve.

use std::thread;

use session_host_tests::{World, library_name, wait_until};

/// Where a plugin misbehaves, and how the reason begins.
const PLACES: [(&str, &str); 4] = [
    ("library", "the library does not load: "),
    ("constructor", "its constructor fails in a worker process: "),
    ("descriptor", "its descriptor fails in a worker process: "),
    ("configuration", "its configuration fails in a worker process: "),
];

/// What it does there, and how the reason ends.
const MISDEEDS: [(&str, &str); 4] = [
    ("abort", "SIGABRT ended the worker process"),
    ("null_write", "SIGSEGV ended the worker process"),
    ("exit", "the worker process exited with status 0"),
    ("hang", "it did not return within 6 s"),
];

/// A world with a good plugin, and a zoo that misbehaves while it is loaded.
fn world_with(misdeed: &str, mode: &str) -> World {
    let mut world = World::new();
    world.install("probe");
    world.install("zoo");
    world.write("alice/a.jsonl", "{\"do\":\"rows\",\"count\":1}\n");
    world.write("alice/zoo.jsonl", "{\"zoo\":\"nothing\"}\n");
    world.config(&format!(
        "[isolation]\ndefault = \"{mode}\"\nload_timeout_seconds = 6\n"
    ));
    world.set_variable("ZOO", misdeed);
    world
}

#[track_caller]
fn assert_rejected(misdeed: &str, mode: &str, reason: &str) {
    let world = world_with(misdeed, mode);
    let file = library_name("zoo");
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"], "{misdeed} {mode}");
    let told = listing.rejection_of(&file);
    assert!(told.starts_with(reason), "{misdeed} {mode}: {told}");

    let ran = world.run(&[]).exits(1);
    assert_eq!((&*ran.result().processor, ran.result().processed), ("probe", 1));
    assert!(ran.stderr.contains(reason), "{misdeed} {mode}: {}", ran.stderr);
    let library = world.plugins().join(&file);
    let checked = world.host(&["check", library.to_str().unwrap()]).exits(2);
    assert!(checked.stdout.contains(reason), "{misdeed} {mode}: {}", checked.stdout);
    wait_until("no process is left", || world.processes().is_empty());
}

#[test]
fn whatever_ends_or_holds_up_the_worker_that_loads_is_told() {
    thread::scope(|scope| {
        for (place, begins) in PLACES {
            scope.spawn(move || {
                for (misdeed, ends) in MISDEEDS {
                    assert_rejected(&format!("{place}:{misdeed}"), "process", &format!("{begins}{ends}"));
                }
            });
        }
    });
}

#[test]
fn no_such_plugin_reaches_the_process_of_the_host_either() {
    thread::scope(|scope| {
        for (misdeed, ends) in MISDEEDS {
            scope.spawn(move || {
                let (place, begins) = PLACES[0];
                assert_rejected(&format!("{place}:{misdeed}"), "in-process", &format!("{begins}{ends}"));
            });
        }
    });
}

#[test]
fn one_that_crashes_when_it_is_dropped_is_rejected_before_that_costs_anything() {
    let (misdeed, ends) = MISDEEDS[0];
    let reason = format!("its `Drop` fails in a worker process: {ends}");
    for mode in ["process", "in-process"] {
        assert_rejected(&format!("drop:{misdeed}"), mode, &reason);
    }
}

#[test]
fn one_that_hangs_when_it_is_dropped_costs_nothing_that_was_processed() {
    let world = world_with("drop:hang", "process");
    let ran = world.run(&[]).exits(0);
    assert_eq!(
        (ran.result_of("zoo").processed, ran.result_of("probe").processed),
        (1, 1)
    );
    assert!(ran.stderr.contains("`Drop`"), "{}", ran.stderr);
    wait_until("no process is left", || world.processes().is_empty());
}

#[test]
fn one_that_passed_its_trial_and_crashes_as_it_is_configured_is_rejected() {
    let mut world = world_with("", "process");
    drop(world.run(&[]).exits(0));
    world.set_variable("ZOO", "configuration:abort");
    let ran = world.run(&[]).exits(1);
    let reason = "its configuration fails in a worker process: SIGABRT ended the worker process";
    assert!(ran.stderr.contains(reason), "{}", ran.stderr);
}

#[test]
fn a_section_of_a_processor_that_is_not_there_is_told() {
    let world = world_with("", "in-process");
    world.config("[isolation.typo]\nmode = \"process\"\n");
    let ran = world.run(&[]).exits(0);
    assert!(ran.stderr.contains("a section [isolation.typo]"), "{}", ran.stderr);
}
