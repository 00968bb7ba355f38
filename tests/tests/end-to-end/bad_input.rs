//! What is wrong on the command line or in the configuration is named, with what to do.

use std::fs;

use session_host_tests::World;

/// Runs a command that must be refused as wrong usage, and gives the complaint without the log before it.
#[track_caller]
fn complaint(world: &World, arguments: &[&str]) -> String {
    let ran = world.host(arguments).exits(2);
    assert_eq!(ran.stdout, "");
    let start = ran.stderr.find("session-host: ").expect("a complaint");
    ran.stderr[start..].trim_end().to_owned()
}

#[test]
fn an_unknown_processor_is_named_with_the_known_ones() {
    let world = World::with(&["probe", "probe_other"]);
    assert_eq!(
        complaint(&world, &["run", "prob"]),
        "session-host: there is no processor `prob`; the known ones are: probe, probe_other"
    );
    assert_eq!(world.count("audit_log"), 0);
}

#[test]
fn without_any_plugin_the_empty_directory_is_named() {
    let world = World::new();
    assert_eq!(
        complaint(&world, &["run", "probe"]),
        format!(
            "session-host: there is no processor `probe`; the known ones are: none, because {} holds no processor",
            world.plugins().display()
        )
    );
}

#[test]
fn an_unavailable_processor_is_named_with_the_reason() {
    let world = World::with(&["probe"]);
    world.config("[processors.probe]\nrefuse = \"no key\"");
    assert_eq!(
        complaint(&world, &["run", "probe"]),
        "session-host: processor `probe` is unavailable: no key"
    );
}

#[test]
fn a_missing_plugins_directory_is_named() {
    let world = World::new();
    fs::remove_dir(world.plugins()).unwrap();
    let complaint_of_all = complaint(&world, &["run"]);
    let begins = format!(
        "session-host: no plugins directory is set, and the host found none: it looked for {}, ",
        world.plugins().display()
    );
    assert!(complaint_of_all.starts_with(&begins), "{complaint_of_all}");
    assert_eq!(
        complaint(&world, &["run", "--plugins", "/nowhere"]),
        "session-host: cannot list the plugins directory /nowhere: No such file or directory (os error 2); name it with --plugins"
    );
}

#[test]
fn a_configuration_that_cannot_be_used_is_told_of_with_file_line_and_key() {
    for (toml, line, cause) in [
        ("workers = 2\nworkers =", 2, "string values must be quoted"),
        ("\n\nwork = 2", 3, "unknown field `work`"),
        ("workers = \"two\"", 1, "invalid type: string \"two\", expected usize"),
        ("workers = -1", 1, "invalid value: integer `-1`, expected usize"),
        ("workers = 1\nworkers = 2", 2, "duplicate key"),
        ("[users]\nalice = 1", 2, "invalid type: integer `1`, expected a string"),
        ("[processor.probe]", 1, "unknown field `processor`"),
    ] {
        let world = World::new();
        world.config(toml);
        let complaint = complaint(&world, &["run"]);
        let place = format!(
            "session-host: {}, line {line}, column ",
            world.path("config.toml").display()
        );
        assert!(complaint.starts_with(&place), "{complaint}");
        assert!(complaint.contains(cause), "{complaint}");
        assert!(!world.state().exists());
    }
}

#[test]
fn a_configuration_that_is_named_must_exist() {
    let world = World::new();
    assert_eq!(
        complaint(&world, &["run", "--config", "elsewhere.toml"]),
        "session-host: cannot read the configuration elsewhere.toml: No such file or directory (os error 2)"
    );
}

#[test]
fn a_sessions_directory_must_be_named() {
    let world = World::new();
    let mut command = world.command_at_home(&["run"]);
    let ran = session_host_tests::Ran::of(command.output().unwrap()).exits(2);
    ran.tells("no sessions directory is set");
}

#[test]
fn values_that_cannot_be_are_named_with_their_flag() {
    let world = World::new();
    for (arguments, named) in [
        (
            &["run", "--max-sessions", "many"][..],
            "'many' for '--max-sessions <N>'",
        ),
        (&["run", "--time-budget", "-1"], "'-1'"),
        (&["run", "--log-format", "xml"], "'xml' for '--log-format <FORMAT>'"),
        (
            &["query", "SELECT 1", "--format", "yaml"],
            "'yaml' for '--format <FORMAT>'",
        ),
        (&["run", "--nonsense"], "'--nonsense'"),
        (&["ran"], "'ran'"),
        (&["reprocess"], "<PROCESSOR>"),
    ] {
        let refused = world.host(arguments).exits(2);
        assert!(refused.stderr.contains(named), "{arguments:?}: {}", refused.stderr);
        assert_eq!(refused.stdout, "");
    }
    assert_eq!(
        complaint(&world, &["failures", "No Name"]),
        "session-host: `No Name` is not a processor name: it must match [a-z][a-z0-9_-]*"
    );
}

#[test]
fn a_section_for_a_processor_that_is_not_there_is_warned_of() {
    let world = World::with(&["probe"]);
    world.config("[processors.prob]\nrefuse = \"x\"");
    let ran = world.run(&["probe"]).exits(0);
    ran.tells("[processors.prob], but no such processor is loaded");
}
