//! What others wrote reaches a terminal, and a line of the log, as escapes alone.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use serde_json::json;
use session_host_tests::{Ran, World};

use crate::{
    nobody,
    script::{error, script},
};

/// Sets a window's title, clears the screen, begins a line that looks like one of the log, and turns what follows.
const EVIL: &str = "\x1b]0;owned\x07\x1b[2J\r\nFORGED all is well\u{9b}31m\u{7f}\u{202e}\u{2028}";

/// How it is shown.
const SHOWN: &str = r"\x1b]0;owned\x07\x1b[2J\r\nFORGED all is well\u{9b}31m\x7f\u{202e}\u{2028}";

/// A world with such texts as the error of a plugin, its log, its rows, and the name of a session.
fn world() -> World {
    let world = World::with(&["probe"]);
    world.write("alice/error.jsonl", error(EVIL));
    let talks = [
        json!({"do": "event", "message": EVIL, "number": 1}),
        json!({"do": "log", "level": "warn", "message": EVIL}),
        json!({"do": "rows", "count": 1, "text": EVIL}),
    ];
    world.write("alice/talks.jsonl", script(&talks));
    world.write(&format!("alice/{EVIL}.jsonl"), error("by its name"));
    world
}

/// Checks that a text moves no cursor and forges no line.
#[track_caller]
fn is_harmless(text: &str) {
    let obeyed = |letter: char| letter != '\n' && letter.is_control() || "\u{202e}\u{2028}".contains(letter);
    assert!(!text.contains(obeyed), "{text:?}");
    forges_no_line(text);
}

#[track_caller]
fn forges_no_line(text: &str) {
    assert!(!text.lines().any(|line| line.starts_with("FORGED")), "{text:?}");
}

/// Checks both outputs of a command; the text must be in them.
#[track_caller]
fn shows_escapes(ran: &Ran) {
    is_harmless(&ran.stdout);
    is_harmless(&ran.stderr);
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    assert!(shown.contains(SHOWN), "{shown:?}");
}

#[test]
fn errors_names_and_logs_are_escaped_where_a_run_tells_of_them() {
    let world = world();
    let ran = world.host(&["-v", "run"]).exits(1);
    shows_escapes(&ran);
    // Each text of the plugin's log is a line.
    assert!(ran.stderr.matches(SHOWN).count() >= 4, "{}", ran.stderr);
}

#[test]
fn the_log_in_json_has_the_texts_as_they_are_and_shows_nothing_of_them() {
    let world = world();
    let ran = world.host(&["-v", "--log-format", "json", "run", "--json"]).exits(1);
    is_harmless(&ran.stderr);
    is_harmless(&ran.stdout);
    let log = ran.log();
    assert!(
        log.iter().any(|entry| entry["fields"]["message"] == EVIL),
        "{}",
        ran.stderr
    );
    let failed = &ran.results[0].errors_detail;
    assert!(failed.iter().any(|failed| failed.error.contains(EVIL)), "{failed:?}");
}

#[test]
fn lists_and_tables_are_escaped() {
    let world = world();
    drop(world.run(&[]).exits(1));
    for arguments in [&["failures"][..], &["failures", "--all"]] {
        // Fitted to 80 columns, they break the text within their cells.
        let failures = world.host(arguments).exits(0).stdout;
        is_harmless(&failures);
        assert!(failures.contains(r"\x1b]0;"), "{failures}");
    }
    shows_escapes(&world.host(&["query", "SELECT text FROM probe_rows"]).exits(0));
    shows_escapes(
        &world
            .host(&[
                "query",
                "SELECT 1 AS \"\x1b]0;owned\x07\x1b[2J\r\nFORGED all is well\u{9b}31m\u{7f}\u{202e}\u{2028}\"",
            ])
            .exits(0),
    );
    for arguments in [
        &["failures", "--json"][..],
        &["runs"],
        &["runs", "--json"],
        &["status"],
        &["query", "--format=json", "SELECT text FROM probe_rows"],
    ] {
        is_harmless(&world.host(arguments).exits(0).stdout);
    }
}

#[test]
fn values_in_json_and_csv_are_what_they_were() {
    let world = world();
    drop(world.run(&[]).exits(1));
    let sql = "SELECT text FROM probe_rows";
    let row = world.host(&["query", "--format=json", sql]).exits(0).json();
    assert_eq!(row["text"], EVIL);
    let csv = world.host(&["query", "--format=csv", sql]).exits(0).stdout;
    assert_eq!(csv, format!("text\n\"{EVIL}\"\n"));
}

#[test]
fn complaints_are_escaped() {
    let world = world();
    drop(world.run(&[]).exits(1));
    for arguments in [
        &["forget", EVIL][..],
        &["reprocess", "probe", EVIL],
        &["query", EVIL],
        &["--plugins", EVIL, "run"],
        &["--config", EVIL, "status"],
        &["status", EVIL],
    ] {
        let ran = world.host(arguments);
        assert_ne!(ran.status, 0, "{arguments:?}");
        is_harmless(&ran.stderr);
        // clap leaves out what begins with ESC, DuckDB what follows a break of lines.
        let told = [r"\x1b]0;owned\x07", r"\r\nFORGED"];
        assert!(
            told.iter().any(|part| ran.stderr.contains(part)),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
    let mut command = world.command(&["status"]);
    let ran = Ran::of(command.env("SESSION_HOST_TICK_SECONDS", EVIL).output().unwrap());
    shows_escapes(&ran.exits(2));
}

#[test]
fn a_plugin_that_refuses_or_panics_with_such_words_is_listed_with_escapes() {
    for member in ["refuse", "panic"] {
        let world = world();
        let section = json!({ member: EVIL }).to_string();
        let escaped = section.trim_matches(['{', '}']).split_once(':').unwrap().1.to_owned();
        // What JSON leaves, TOML refuses.
        let escaped = escaped.replace('\u{7f}', "\\u007f");
        world.config(&format!("[processors.probe]\n{member} = {escaped}"));
        shows_escapes(&world.host(&["processors"]).exits(0));
        is_harmless(&world.host(&["processors", "--json"]).exits(0).stdout);
    }
}

#[test]
fn a_folder_that_cannot_be_read_is_named_with_escapes() {
    let world = world();
    let folder = world.sessions().join(format!("locked{EVIL}"));
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    let ran = nobody::run(&world, &["-v"]);
    is_harmless(&ran.stderr);
    ran.tells(&format!("locked{SHOWN}"));
}

/// What a command writes to a terminal.
#[track_caller]
fn on_a_terminal(world: &World, arguments: &[&str]) -> String {
    let own = world.command(arguments);
    let quoted = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
    let words = std::iter::once(own.get_program()).chain(own.get_args());
    let line: Vec<String> = words.map(|word| quoted(word.to_str().unwrap())).collect();
    let mut command = Command::new("script");
    command
        .args(["-qec", &format!("stty cols 300; {}", line.join(" ")), "/dev/null"])
        .current_dir(world.path(""));
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().expect("`script` gives commands a terminal");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_terminal_gets_escapes_too_beside_the_colours_and_bars_of_the_host() {
    let world = world();
    let ran = on_a_terminal(&world, &["-v", "run"]);
    assert!(ran.contains("\x1b["), "no colours: {ran:?}");
    let query = on_a_terminal(&world, &["query", "SELECT text FROM probe_rows"]);
    let csv = on_a_terminal(&world, &["query", "--format=csv", "SELECT text FROM probe_rows"]);
    let failures = on_a_terminal(&world, &["failures"]);
    let complaint = on_a_terminal(&world, &["forget", EVIL]);
    for shown in [ran, query, csv, failures, complaint] {
        assert!(shown.contains(r"\x1b]0;owned"), "{shown:?}");
        for obeyed in ["\x1b]", "\x07", "\x1b[2J", "\u{9b}", "\u{7f}", "\u{202e}", "\u{2028}"] {
            assert!(!shown.contains(obeyed), "{obeyed:?} is in {shown:?}");
        }
        forges_no_line(&shown);
    }
}
