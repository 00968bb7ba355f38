//! What is set, where, and what is said of it.

use std::{fs, path::Path};

use session_host_tests::{Ran, World};

#[test]
fn the_file_to_begin_with_is_taken_as_it_is() {
    let world = World::with(&["probe"]);
    let defaults = world.host(&["config", "--defaults"]).exits(0).stdout;
    assert!(
        defaults.contains("SESSION_HOST_TICK_SECONDS") && defaults.contains("[schedule]"),
        "{defaults}"
    );
    world.config(&defaults);
    drop(world.run(&[]).exits(0));
}

#[test]
fn what_is_in_force_tells_where_it_was_set() {
    let mut world = World::new();
    world.config("tick_seconds = 7\nrecursive = true\n");
    world.set_variable("SESSION_HOST_TICK_SECONDS", "8");
    world.set_variable("SESSION_HOST_PLUGINS", "/nowhere");
    let said = world.host(&["config", "--username", "alice"]).exits(0).stdout;
    for line in [
        "tick_seconds = 8  # variable",
        "plugins = \"/nowhere\"  # variable",
        "recursive = true  # file",
        "username = \"alice\"  # flag",
        "audit_retention_days = 90  # default",
    ] {
        assert!(said.lines().any(|said| said == line), "{line} is not in\n{said}");
    }
}

#[test]
fn the_token_is_not_told() {
    let mut world = World::new();
    world.set_variable("SESSION_HOST_API_TOKEN", "correct-horse-battery-staple");
    let ran = world.host(&["config", "-vv"]).exits(0);
    assert!(!ran.stdout.contains("horse") && !ran.stderr.contains("horse"));
}

#[test]
fn a_variable_that_cannot_be_is_named_with_its_value() {
    for (variable, value) in [
        ("SESSION_HOST_WORKERS", "many"),
        ("SESSION_HOST_TIME_BUDGET_SECONDS", "-1"),
        ("SESSION_HOST_LISTEN", "7741"),
    ] {
        let mut world = World::new();
        world.set_variable(variable, value);
        let ran = world.host(&["run"]).exits(2);
        ran.tells(variable);
        ran.tells(value);
    }
}

#[test]
fn limits_hold_wherever_they_are_set() {
    let limited = |world: &World, arguments: &[&str]| world.run(arguments).exits(0).result().processed;
    let world = || {
        let world = World::with(&["probe"]);
        for number in 0..3 {
            world.write(&format!("alice/{number}.jsonl"), r#"{"do":"rows","count":1}"#);
        }
        world
    };
    let by_flag = world();
    assert_eq!(limited(&by_flag, &["--max-sessions", "1"]), 1);
    let mut by_variable = world();
    by_variable.set_variable("SESSION_HOST_MAX_SESSIONS_PER_RUN", "2");
    assert_eq!(limited(&by_variable, &[]), 2);
    let by_file = world();
    by_file.config("max_sessions_per_run = 1\n");
    assert_eq!(limited(&by_file, &[]), 1);
}

#[test]
fn a_value_that_cannot_be_names_file_line_and_key() {
    let world = World::new();
    for (toml, said) in [
        ("tick_seconds = 0\n", "tick_seconds"),
        ("\nlisten = \"nowhere\"\n", "listen"),
        ("workers = -1\n", "workers"),
        ("\n\ntick = 5\n", "tick"),
    ] {
        world.config(toml);
        let ran = world.host(&["processors"]).exits(2);
        ran.tells(said);
    }
    world.config("\napi_token = \"correct-horse-battery-staple\"\n");
    let said = world.host(&["processors"]).exits(2).stderr;
    assert!(
        said.contains("line 2, column 1") && said.contains("`api_token`"),
        "{said}"
    );
    assert!(!said.contains("horse"), "{said}");
    fs::write(world.path("config.toml"), [0xff]).unwrap();
    assert!(world.host(&["processors"]).exits(2).stderr.contains("config.toml"));
}

#[test]
fn relative_paths_are_told_in_full() {
    let world = World::with(&["probe"]);
    world.config("sessions = \"sessions\"\nplugins = \"plugins\"\n");
    let mut command = world.command(&["--config", "config.toml", "--data", "data", "processors", "--json"]);
    command
        .env_remove("SESSION_HOST_CONFIG")
        .env_remove("SESSION_HOST_SESSIONS");
    let listed = Ran::of(command.output().unwrap()).exits(0).json();
    let file = listed[0]["file"].as_str().unwrap();
    assert!(Path::new(file).is_absolute(), "{file}");
}
