//! The first command: transcripts and plugins that nobody named are found, and what is not found is told.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Output},
};

use serde_json::json;
use session_host_tests::{Ran, World, library, library_name};

use crate::script::{processed_sessions, rows};

/// A world with the probe, whose home holds these transcripts.
fn home_with(transcripts: &[&str]) -> World {
    let world = World::with(&["probe"]);
    for transcript in transcripts {
        let path = world.path("home").join(transcript);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, rows(1)).unwrap();
    }
    world
}

#[track_caller]
fn ran(command: &mut Command) -> Ran {
    Ran::of(command.output().unwrap())
}

/// The name of the user that runs the tests.
pub(crate) fn this_user() -> String {
    let Output { stdout, .. } = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(stdout).unwrap().trim().to_owned()
}

/// Checks for whom the sessions are recorded.
#[track_caller]
fn are_all_of(world: &World, user: &str) {
    let sql = "SELECT DISTINCT username FROM session_processor_state";
    assert_eq!(world.rows(sql), [json!({ "username": user })]);
}

#[test]
fn without_any_argument_the_transcripts_of_this_user_are_processed() {
    let world = home_with(&[
        ".claude/projects/-bakery/a.jsonl",
        ".claude/projects/-bakery/a/subagents/agent-1.jsonl",
        ".config/claude/projects/-garden/b.jsonl",
    ]);
    let first = ran(&mut world.command_at_home(&[])).exits(0);
    assert!(
        first.stdout.starts_with("processed 3 new or changed sessions in "),
        "{}",
        first.stdout
    );
    let sessions = [
        "-bakery/a.jsonl",
        "-bakery/a/subagents/agent-1.jsonl",
        "-garden/b.jsonl",
    ];
    assert_eq!(processed_sessions(&world), sessions);
    are_all_of(&world, &this_user());
    let second = ran(&mut world.command_at_home(&["run", "--json"])).exits(0);
    assert_eq!(second.result().processed, 0);
}

#[test]
fn a_name_that_is_set_wins_over_that_of_the_user() {
    let world = home_with(&[".claude/projects/-bakery/a.jsonl"]);
    drop(ran(&mut world.command_at_home(&["--username", "alice"])).exits(0));
    are_all_of(&world, "alice");
}

#[test]
fn a_link_between_the_usual_folders_makes_them_one() {
    let world = home_with(&[".claude/projects/-bakery/a.jsonl"]);
    fs::create_dir(world.path("home/.config")).unwrap();
    symlink("../.claude", world.path("home/.config/claude")).unwrap();
    let ran = ran(&mut world.command_at_home(&["run", "--json"])).exits(0);
    assert_eq!((ran.result().processed, &*ran.stderr), (1, ""));
}

#[test]
fn the_agents_variable_names_the_folders() {
    let world = home_with(&[
        ".claude/projects/-home/a.jsonl",
        "one/projects/-bakery/a.jsonl",
        "two/projects/-garden/b.jsonl",
    ]);
    let folders = ["one", "two"].map(|folder| world.path("home").join(folder).display().to_string());
    let mut command = world.command_at_home(&["run", "--json"]);
    drop(ran(command.env("CLAUDE_CONFIG_DIR", folders.join(","))).exits(0));
    assert_eq!(processed_sessions(&world), ["-bakery/a.jsonl", "-garden/b.jsonl"]);
}

#[test]
fn of_two_transcripts_with_one_key_the_first_counts_and_the_others_are_told() {
    let world = home_with(&[
        ".config/claude/projects/-bakery/a.jsonl",
        ".claude/projects/-bakery/a.jsonl",
        ".claude/projects/-bakery/b.jsonl",
    ]);
    fs::write(world.path("home/.config/claude/projects/-bakery/a.jsonl"), rows(5)).unwrap();
    let ran = ran(&mut world.command_at_home(&["run", "--json"])).exits(0);
    assert_eq!((ran.result().processed, ran.result().items_extracted), (2, 6));
    ran.tells("the scan ignores 1 transcripts in ");
}

#[test]
fn where_nothing_is_found_every_command_says_what_was_looked_for() {
    let world = home_with(&[]);
    for arguments in [&[][..], &["run"], &["run", "--dry-run"], &["serve"]] {
        let ran = ran(&mut world.command_at_home(arguments)).exits(2);
        let home = world.path("home");
        ran.tells(&format!(
            "no sessions directory is set, and the host found none: it looked for {0}/.config/claude/projects and {0}/.claude/projects; pass --sessions DIR",
            home.display()
        ));
    }
}

#[test]
fn the_configuration_tells_where_a_found_value_comes_from() {
    let world = home_with(&[".claude/projects/-bakery/a.jsonl"]);
    let home = world.path("home").display().to_string();
    let said = ran(&mut world.command_at_home(&["config"])).exits(0).stdout;
    let plugins = world.plugins().display().to_string();
    for line in [
        format!("sessions = \"{home}/.claude/projects\"  # found: the home directory"),
        format!("username = \"{}\"  # found: the user of this process", this_user()),
        format!("plugins = \"{plugins}\"  # found: beside the configuration file"),
    ] {
        assert!(said.lines().any(|said| said == line), "{line} is not in\n{said}");
    }
    let mut command = world.command_at_home(&["config"]);
    let said = ran(command.env("CLAUDE_CONFIG_DIR", format!("{home}/.claude")))
        .exits(0)
        .stdout;
    assert!(said.contains("# found: CLAUDE_CONFIG_DIR"), "{said}");
    fs::remove_dir_all(world.path("home/.claude")).unwrap();
    let said = ran(&mut world.command_at_home(&["config"])).exits(0).stdout;
    assert!(said.contains("# sessions: not found: looked for"), "{said}");
}

/// Now, in the form of a transcript.
fn now() -> String {
    let Output { stdout, .. } = Command::new("date")
        .args(["-u", "+%Y-%m-%dT%H:%M:%SZ"])
        .output()
        .unwrap();
    String::from_utf8(stdout).unwrap().trim().to_owned()
}

#[test]
fn a_run_of_own_transcripts_prints_the_reports_that_people_look_at_first() {
    let world = World::with(&["reporting"]);
    let folder = world.path("home/.claude/projects/-bakery");
    fs::create_dir_all(&folder).unwrap();
    let line = json!({"written_at": now(), "project": "bread", "tokens": 7_654, "cost": 1.5});
    fs::write(folder.join("a.jsonl"), format!("{line}\n")).unwrap();
    let told = ran(&mut world.command_at_home(&[])).exits(0).stdout;
    assert!(told.starts_with("processed 1 new or changed session in "), "{told}");
    let (_, overview) = told.split_once("\n\nLines per day (").unwrap();
    assert!(
        overview.contains("7") && overview.ends_with("\nmore: session-host report reporting.daily\n"),
        "{told}"
    );
    // A later run loads a known file, and shows its reports too.
    let told = ran(&mut world.command_at_home(&[])).exits(0).stdout;
    assert!(told.starts_with("found no new or changed session in "), "{told}");
    assert!(told.contains("\n\nLines per day ("), "{told}");
    // What was set shows what each processor did.
    let sessions = world.path("home/.claude/projects").display().to_string();
    let told = ran(&mut world.command_at_home(&["--sessions", &sessions]))
        .exits(0)
        .stdout;
    assert!(
        told.contains("│ reporting ┆") && !told.contains("Lines per day"),
        "{told}"
    );
}

#[test]
fn the_processors_of_session_host_are_in_the_overview_in_their_order() {
    let world = home_with(&[".claude/projects/-bakery/a.jsonl"]);
    for plugin in ["usage", "errors", "search", "secrets"] {
        world.install(plugin);
    }
    let told = ran(&mut world.command_at_home(&[])).exits(0).stdout;
    let nothing = "\nnothing happened in the last 7 days; for earlier days:\n";
    let (_, shown) = told.split_once(nothing).unwrap_or_else(|| panic!("{told}"));
    let reports = ["usage.daily", "usage.models", "errors.classes", "secrets.findings"];
    let expected = reports.map(|report| format!("session-host report {report}\n"));
    assert_eq!(shown, expected.concat());
}

#[test]
fn every_report_of_the_overview_has_the_warnings_of_its_processor() {
    let world = World::with(&["usage"]);
    let folder = world.path("home/.claude/projects/-bakery");
    fs::create_dir_all(&folder).unwrap();
    let line = json!({
        "type": "assistant", "timestamp": now(), "sessionId": "s", "requestId": "r",
        "message": {"id": "msg_1", "role": "assistant", "model": "house-model-1", "content": [],
                    "usage": {"input_tokens": 600, "output_tokens": 25}}
    });
    fs::write(folder.join("s.jsonl"), format!("{line}\n")).unwrap();
    let told = ran(&mut world.command_at_home(&[])).exits(0).stdout;
    let warning = "warning: not in the costs: 1 response of house-model-1 with 625 tokens";
    for report in ["Cost per day", "Cost per model"] {
        let (_, shown) = told.split_once(report).unwrap_or_else(|| panic!("{told}"));
        let (shown, _) = shown.split_once("\nmore: ").unwrap();
        assert!(shown.contains(warning), "{report} lacks the warning:\n{told}");
    }
}

#[test]
fn without_any_transcript_the_overview_says_where_it_looked() {
    let world = home_with(&[]);
    fs::create_dir_all(world.path("home/.claude/projects")).unwrap();
    let told = ran(&mut world.command_at_home(&[])).exits(0).stdout;
    let home = world.path("home").display().to_string();
    let expected = format!(
        "there is no transcript yet: the host looked for {home}/.config/claude/projects and {home}/.claude/projects; "
    );
    assert!(told.contains(&expected), "{told}");
}

#[test]
fn plugins_in_the_data_directory_are_found() {
    let world = World::new();
    fs::remove_dir(world.plugins()).unwrap();
    let folder = world.path("data/plugins");
    fs::create_dir_all(&folder).unwrap();
    world.chmod("data", 0o700);
    world.chmod("data/plugins", 0o755);
    fs::copy(library("probe"), folder.join(library_name("probe"))).unwrap();
    world.write("alice/a.jsonl", rows(1));
    assert_eq!(world.run(&[]).exits(0).result().processed, 1);
}

#[test]
fn the_service_processes_the_transcripts_that_it_found() {
    let world = home_with(&[".claude/projects/-bakery/a.jsonl"]);
    let mut command = world.serving(&[]);
    command
        .env_remove("SESSION_HOST_SESSIONS")
        .env("HOME", world.path("home"));
    let service = world.serve_by(command);
    assert_eq!(service.run("probe").is(200).json()["details"]["processed"], 1);
}
