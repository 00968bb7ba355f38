//! What a person sees, in terminals of several widths.

use std::{fs, path::PathBuf, process::Command};

use serde_json::json;
use session_host_tests::{World, repository};

use crate::any_state::documented_queries::world_of_samples;

use super::{CallResult, PRICES, Session, usage, world};

const WIDTHS: [usize; 3] = [60, 80, 200];

/// What a report prints in a terminal of so many columns.
#[track_caller]
fn screen(world: &World, width: usize, report: &str, variables: &[(&str, &str)]) -> String {
    let host = world.command(&[]);
    let mut command = Command::new("script");
    let program = host.get_program().to_str().unwrap();
    command.args(["--quiet", "--return", "--command"]);
    command.arg(format!("stty cols {width} rows 50; exec {program} report {report}"));
    command.arg("/dev/null");
    for (name, value) in host.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS");
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text.replace("\r\n", "\n")
}

/// The letters of a text, without what colours them.
fn letters(screen: &str) -> String {
    let mut parts = screen.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('m').map_or(part, |(_, rest)| rest)
    })
}

/// Compares what is seen at each width with the text that is kept for it. With the variable `KEEP_SCREENS`, it keeps what is
/// seen.
#[track_caller]
fn is_seen(world: &World, report: &str, name: &str) {
    for width in WIDTHS {
        let seen = letters(&screen(world, width, report, &[]));
        for line in seen.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        // The colour of a bar ends behind the spaces that follow it.
        let seen: String = seen.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        let kept = kept(&format!("{name}-{width}.txt"));
        if std::env::var_os("KEEP_SCREENS").is_some() {
            fs::write(&kept, &seen).unwrap();
        }
        let expected = fs::read_to_string(&kept).unwrap_or_default();
        assert_eq!(seen, expected, "{}", kept.display());
    }
}

fn kept(file: &str) -> PathBuf {
    repository()
        .join("tests/tests/end-to-end/shipped_reports/screens")
        .join(file)
}

/// Three days of two models, one of which has no price.
fn three_days() -> World {
    let session = Session::new("s", "/home/alice/shop")
        .response_of("house", "2026-01-20T10:00:00Z", [1_200, 34_000, 560_000, 7_800_000])
        .response_of("mystery-model-of-a-long-name", "2026-01-20T11:00:00Z", [5, 0, 0, 0])
        .response_of("house", "2026-01-21T10:00:00Z", [0, 4_000, 0, 100_000])
        .response_of("house", "2026-01-22T10:00:00Z", [0, 9_000, 50_000, 2_000_000]);
    usage(&[("alice", session)])
}

#[test]
fn a_report_fits_the_terminal() {
    let world = three_days();
    is_seen(&world, "usage.daily", "daily");
    is_seen(&world, "usage.models", "models");
    is_seen(&world, "usage.blocks", "ended-blocks");
    is_seen(
        &world,
        "usage.daily --since 2030-01-01 --project /home/alice/a-shop/with-a-long-name",
        "empty",
    );
}

#[test]
fn long_session_keys_are_cut_at_their_beginning() {
    let id = "7d994a81-3071-5c42-bc3d-4a3f72b4b236-and-what-a-harness-adds-to-it-to-make-it-longer-than-a-line";
    let session = Session::new(id, "/home/alice/shop").response("2026-01-20T10:00:00Z", 1);
    let world = usage(&[("alice", session)]);
    is_seen(&world, "usage.sessions", "sessions");
}

#[test]
fn classes_of_errors_fit_the_terminal() {
    let session = Session::new("s", "/home/alice/shop")
        .call(
            "2026-01-20T10:00:00Z",
            "Bash",
            &json!({"command": "make"}),
            CallResult::Failed("Exit code 2"),
        )
        .call(
            "2026-01-20T10:01:00Z",
            "Bash",
            &json!({"command": "make"}),
            CallResult::Done,
        )
        .call(
            "2026-01-20T10:02:00Z",
            "mcp__dictionary__look_up",
            &json!({}),
            CallResult::Failed("No entry."),
        )
        .call(
            "2026-01-20T10:03:00Z",
            "mcp__dictionary__look_up",
            &json!({}),
            CallResult::Failed("No entry."),
        );
    let world = world(&["errors"], PRICES, &[("alice", session)]);
    is_seen(&world, "errors.classes", "classes");
}

#[test]
fn the_manual_shows_what_a_terminal_of_80_columns_shows() {
    for processor in ["errors", "search", "secrets", "usage"] {
        let world = world_of_samples(processor);
        let page = fs::read_to_string(repository().join(format!("docs/processor-{processor}.md"))).unwrap();
        let mut examples = page.split("```text\n$ session-host report ").skip(1).peekable();
        assert!(examples.peek().is_some(), "{processor} has no example");
        for example in examples {
            let (report, rest) = example.split_once('\n').unwrap();
            let (shown, _) = rest.split_once("```").unwrap();
            let seen = screen(&world, 80, report, &[("NO_COLOR", "1")]);
            assert_eq!(seen, shown, "{report}");
        }
    }
}

#[test]
fn only_a_terminal_gets_colours_and_only_without_no_color() {
    let world = three_days();
    assert!(screen(&world, 80, "usage.daily", &[]).contains('\u{1b}'));
    assert!(!screen(&world, 80, "usage.daily", &[("NO_COLOR", "1")]).contains('\u{1b}'));
    let piped = world.host(&["report", "usage.daily"]).exits(0).stdout;
    assert!(!piped.contains('\u{1b}'), "{piped}");
}
