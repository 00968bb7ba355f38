//! The line for status bars: what it says, and that it needs nothing but its own file.

use std::{fs, io::Write, process::Stdio};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::json;
use session_host_tests::{Ran, World};

/// A response of a million output tokens at this time, which cost a dollar.
fn response(at: Timestamp, id: &str) -> String {
    let line = json!({
        "type": "assistant", "sessionId": "s1", "uuid": id, "requestId": id, "timestamp": at.to_string(), "costUSD": 1.0,
        "message": {"id": format!("msg_{id}"), "model": "claude-opus-4-6", "role": "assistant", "content": [],
                    "usage": {"input_tokens": 1000, "output_tokens": 500}},
    });
    format!("{line}\n")
}

/// What the line says to an agent that says this.
#[track_caller]
fn line(world: &World, session: &str) -> Ran {
    let mut command = world.command(&["statusline"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(session.as_bytes()).unwrap();
    Ran::of(running.wait_with_output().unwrap()).exits(0)
}

fn world() -> World {
    let mut world = World::with(&["usage"]);
    world.set_variable("SESSION_HOST_TIMEZONE", "UTC");
    world
}

#[test]
fn the_line_tells_what_today_and_the_open_block_cost_and_repeats_the_agent() {
    let world = world();
    let now = Timestamp::now();
    let yesterday = now - SignedDuration::from_hours(24);
    world.write("alice/a.jsonl", response(now, "r1") + &response(yesterday, "r0"));
    drop(world.run(&["usage"]).exits(0));
    let agent = r#"{"model": {"display_name": "Opus"}, "cost": {"total_cost_usd": 0.5},
                    "context_window": {"used_percentage": 12.4}}"#;
    let said = line(&world, agent).stdout;
    let cost = "Opus | session $0.50 | context 12 % | today $1.00 | block $1.00, ";
    let left = said.strip_prefix(cost).unwrap_or_else(|| panic!("{said}"));
    // The hour may have ended since the response, with which the block began.
    assert!(left.starts_with("4:") || left.starts_with("3:59"), "{said}");
    assert!(said.contains(" h left | as of "), "{said}");
}

#[test]
fn the_line_needs_neither_the_state_nor_a_plugin() {
    let world = world();
    world.write("alice/a.jsonl", response(Timestamp::now(), "r1"));
    assert_eq!(line(&world, "").stdout, "no figures yet: run session-host\n");
    drop(world.run(&["usage"]).exits(0));
    fs::remove_dir_all(world.plugins()).unwrap();
    fs::write(world.state(), "no state").unwrap();
    assert!(line(&world, "{}").stdout.starts_with("today $1.00 | "));
}

#[test]
fn what_is_no_description_of_a_session_is_told_beside_the_line() {
    let world = world();
    let said = line(&world, "hello");
    assert_eq!(said.stdout, "no figures yet: run session-host\n");
    assert!(
        said.stderr.contains("cannot read the agent's JSON on standard input"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_run_with_nothing_to_do_keeps_the_figures_of_today_and_replaces_those_of_another_day() {
    let world = world();
    world.write("alice/a.jsonl", response(Timestamp::now(), "r1"));
    drop(world.run(&["usage"]).exits(0));
    let file = world.path("data/summary.json");
    let first = fs::read_to_string(&file).unwrap();
    drop(world.run(&["usage"]).exits(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
    let today = Timestamp::now().to_zoned_datetime(TimeZone::UTC).date().to_string();
    fs::write(&file, first.replace(&today, "2026-01-01")).unwrap();
    drop(world.run(&["usage"]).exits(0));
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .contains(&format!("\"day\":\"{today}\""))
    );
}

#[test]
fn an_agent_that_keeps_standard_input_open_gets_the_line_too() {
    let world = world();
    let mut command = world.command(&["statusline"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut open = running.stdin.take().unwrap();
    open.write_all(br#"{"model": {"id": "m"}}"#).unwrap();
    let said = Ran::of(running.wait_with_output().unwrap()).exits(0).stdout;
    assert_eq!(said, "m | no figures yet: run session-host\n");
    drop(open);
}
