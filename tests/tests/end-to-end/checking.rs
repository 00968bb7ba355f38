//! `session-host check`: what authors are told of a plugin before it serves anywhere.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{World, library_name};

/// Checks a plugin over the world's sessions; gives the exit status and the report.
fn check(world: &World, plugin: &str) -> (i32, Value) {
    let file = world.path("plugins").join(library_name(plugin));
    let sessions = world.sessions();
    let ran = world.host(&["check", file.to_str().unwrap(), sessions.to_str().unwrap(), "--json"]);
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    (ran.status, report)
}

fn world_of(session: &str) -> World {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", session);
    world
}

#[test]
fn the_plugins_that_ship_are_good() {
    for plugin in ["usage", "errors", "search", "secrets"] {
        let world = World::new();
        let file = world.install(plugin);
        let ran = world.host(&["check", file.to_str().unwrap()]).exits(0);
        assert!(
            ran.stdout.contains(&format!("loaded as the processor {plugin}")),
            "{}",
            ran.stdout
        );
        assert!(
            ran.stdout.contains("0 failed") && !ran.stdout.contains("others"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn what_a_plugin_lacks_to_serve_is_told() {
    let world = World::new();
    let file = world.install("verification");
    let ran = world.host(&["check", file.to_str().unwrap()]).exits(2);
    for told in [
        "verification.so: unavailable",
        "config.toml has no section [processors.verification]: no model is configured; set `model`",
    ] {
        assert!(ran.stdout.contains(told), "{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("pass:"), "{}", ran.stdout);
    let (status, report) = check(&world, "verification");
    assert_eq!(
        (
            status,
            &report["plugin"]["status"],
            &report["plugin"]["processor"],
            &report["behaviour"]
        ),
        (2, &json!("unavailable"), &json!("verification"), &json!(null))
    );
}

#[test]
fn nothing_of_the_installation_is_touched() {
    let world = world_of(r#"{"do":"rows","count":2}"#);
    let (status, report) = check(&world, "probe");
    assert_eq!(
        (status, &report["behaviour"]["tables"][0]),
        (0, &json!({"table": "probe_rows", "rows": 2}))
    );
    assert!(!world.state().exists());
    assert_eq!(fs::read_dir(world.plugins()).unwrap().count(), 1);
}

#[test]
fn sessions_that_fail_are_told_with_the_reason() {
    let (status, report) = check(&world_of(r#"{"do":"panic","payload":"str"}"#), "probe");
    let failed = &report["behaviour"]["first_pass"]["errors_detail"][0];
    assert_eq!((status, &failed["session"]), (1, &json!("alice/a.jsonl")));
    assert!(failed["error"].as_str().unwrap().contains("told to panic"), "{failed}");
}

#[test]
fn rows_that_come_of_chance_are_told() {
    let (status, report) = check(
        &world_of(r#"{"do":"query","sql":"SELECT (random() * 1e15)::BIGINT"}"#),
        "probe",
    );
    assert_eq!(
        (status, &report["behaviour"]["unsteady_tables"]),
        (1, &json!(["probe_rows"]))
    );
}

#[test]
fn what_is_not_taken_is_told_with_the_reason() {
    let mut world = World::new();
    world.set_variable("MISFIT", "constructor");
    world.install("misfit");
    let (status, report) = check(&world, "misfit");
    assert_eq!((status, &report["plugin"]["status"]), (2, &json!("rejected")));
    assert!(
        report["plugin"]["reason"]
            .as_str()
            .unwrap()
            .contains("cannot be constructed"),
        "{report}"
    );
    for (file, told) in [("nowhere.so", "nowhere.so"), ("config.toml", "ends in `.so`")] {
        let ran = world.host(&["check", file]).exits(2);
        ran.tells(told);
    }
}

/// The verdict of a rule, and the reasons.
#[track_caller]
fn verdict<'a>(report: &'a Value, rule: &str) -> (&'a str, String) {
    let rules = report["rules"].as_array().unwrap();
    let tried = rules
        .iter()
        .find(|tried| tried["rule"] == rule)
        .unwrap_or_else(|| panic!("no {rule}: {report}"));
    (tried["verdict"].as_str().unwrap(), tried["reason"].to_string())
}

/// The rules that the plugin breaks.
fn broken(report: &Value) -> Vec<&str> {
    let rules = report["rules"].as_array().unwrap().iter();
    let failed = rules.filter(|tried| tried["verdict"] == "failed");
    failed.map(|tried| tried["rule"].as_str().unwrap()).collect()
}

fn world_with(plugin: &str) -> World {
    let world = World::new();
    world.install(plugin);
    world.write("alice/a.jsonl", "{}\n{}\n{}\n{}\n");
    world.write("alice/b.jsonl", "{}\n{}\n");
    world.write("bob/b.jsonl", "{}\n{}\n");
    world
}

#[test]
fn a_plugin_that_counts_twice_is_found_out_once() {
    let world = world_with("counts_twice");
    let (status, report) = check(&world, "counts_twice");
    assert_eq!(status, 1, "{report}");
    assert_eq!(broken(&report), ["counts-once", "forgets-all"]);
    let (_, reason) = verdict(&report, "counts-once");
    for told in ["counts_twice_totals", "counts a session again", "view", "replaced"] {
        assert!(reason.contains(told), "{reason}");
    }
    let (_, reason) = verdict(&report, "forgets-all");
    assert!(
        reason.contains("names a session or a user") && reason.contains("forgotten"),
        "{reason}"
    );
}

#[test]
fn a_report_that_the_host_rejects_breaks_a_rule() {
    let (status, report) = check(&world_with("reporting"), "reporting");
    assert_eq!((status, broken(&report)), (1, vec!["reports"]), "{report}");
    let (_, reason) = verdict(&report, "reports");
    assert!(reason.contains("no-columns: it declares no column"), "{reason}");
    let (status, report) = check(&world_with("counts"), "counts");
    assert_eq!((status, verdict(&report, "reports").0), (0, "passed"));
}

#[test]
fn hooks_that_take_back_what_was_counted_are_proved() {
    let (status, report) = check(&world_with("counts"), "counts");
    assert_eq!((status, broken(&report)), (0, vec![]), "{report}");
    for rule in ["counts-once", "replaces", "forgets-session", "forgets-all"] {
        assert_eq!(verdict(&report, rule).0, "passed", "{rule}");
    }
}

#[test]
fn hooks_that_do_not_are_found_out() {
    for (hook, how, rules) in [
        ("replaced", "nothing", vec!["counts-once", "forgets-all"]),
        ("forgotten", "nothing", vec!["forgets-all"]),
        ("forgotten", "fail", vec!["forgets-session"]),
        ("replaced", "panic", vec!["sessions-succeed"]),
    ] {
        let world = world_with("counts");
        world.config(&format!("[processors.counts]\n{hook} = \"{how}\"\n"));
        let (status, report) = check(&world, "counts");
        assert_eq!((status, broken(&report)), (1, rules), "{hook} {how}: {report}");
    }
}

#[test]
fn what_an_earlier_version_left_behind_is_found() {
    // Each length of the transcript leaves a row of its own, however often it is processed.
    let step = json!({"do": "tell_length"});
    let world = world_of(&format!("{step}\n{{}}\n"));
    let (status, report) = check(&world, "probe");
    assert_eq!((status, broken(&report)), (1, vec!["replaces"]), "{report}");
    assert!(verdict(&report, "replaces").1.contains("probe_totals"), "{report}");
}

#[test]
fn what_a_plugin_keeps_of_each_session_is_found() {
    for (fault, told) in [
        ("threads", "threads "),
        ("descriptors", "open descriptors "),
        ("memory", "memory "),
    ] {
        let world = world_with("careless");
        world.config(&format!("[processors.careless]\nfault = \"{fault}\"\n"));
        let (status, report) = check(&world, "careless");
        assert_eq!(
            (status, broken(&report)),
            (1, vec!["leaks-nothing"]),
            "{fault}: {report}"
        );
        let (_, reason) = verdict(&report, "leaks-nothing");
        assert!(
            reason.contains(told) && reason.contains(" over ") && reason.contains(" sessions: "),
            "{reason}"
        );
    }
}

#[test]
fn a_plugin_that_does_not_stop_is_found() {
    for (fault, expected, told) in [
        ("deaf", "hint", "never asks `Session::cancelled`"),
        ("stubborn", "failed", "after `Session::cancelled` was true"),
        ("panics", "failed", "told to panic"),
        ("fails", "hint", "told to fail"),
        ("none", "passed", ""),
    ] {
        let world = world_with("careless");
        world.config(&format!("[processors.careless]\nfault = \"{fault}\"\n"));
        let (status, report) = check(&world, "careless");
        let (verdict, reason) = verdict(&report, "stops");
        assert_eq!(
            (verdict, status),
            (expected, i32::from(expected == "failed")),
            "{report}"
        );
        assert!(reason.contains(told), "{reason}");
    }
}

#[test]
fn calls_that_disturb_each_other_are_found() {
    for (fault, told) in [
        ("shares", "careless_rows differs"),
        ("crashes", "SIGSEGV ended the process"),
    ] {
        let world = world_with("careless");
        world.config(&format!("[processors.careless]\nfault = \"{fault}\"\n"));
        let (status, report) = check(&world, "careless");
        assert_eq!((status, broken(&report)), (1, vec!["concurrent"]), "{fault}: {report}");
        let (_, reason) = verdict(&report, "concurrent");
        assert!(reason.contains(told) && reason.contains("`serial`"), "{reason}");
    }
}

#[test]
fn a_serial_processor_is_called_one_session_at_a_time() {
    let world = world_with("probe_serial");
    let (_, report) = check(&world, "probe_serial");
    let (verdict, reason) = verdict(&report, "concurrent");
    assert_eq!(verdict, "not_tried", "{report}");
    assert!(reason.contains("serial"), "{reason}");
}

#[test]
fn a_transcript_that_gives_nothing_gives_a_hint() {
    let (status, report) = check(&world_of(r#"{"do":"nothing"}"#), "probe");
    let (verdict, reason) = verdict(&report, "finds");
    assert_eq!((status, verdict), (0, "hint"), "{report}");
    assert!(reason.contains("session-host check FILE FOLDER"), "{reason}");
}

#[test]
fn each_mistake_is_printed_once_and_rows_are_shown() {
    let world = world_of(r#"{"do":"rows","count":2,"text":"a row to be seen"}"#);
    world.write("alice/bad.jsonl", r#"{"do":"error","message":"told to fail"}"#);
    let file = world.path("plugins").join(library_name("probe"));
    let sessions = world.sessions();
    let arguments = ["check", file.to_str().unwrap(), sessions.to_str().unwrap()];
    let ran = world.host(&arguments).exits(1);
    assert_eq!(ran.stdout.matches("told to fail").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("FAILED    sessions-succeed"), "{}", ran.stdout);
    assert!(!ran.stderr.contains("told to fail"), "{}", ran.stderr);
    assert!(!ran.stdout.contains("a row to be seen"), "{}", ran.stdout);
    let ran = world.host(&[&arguments[..], &["--rows"]].concat()).exits(1);
    assert!(ran.stdout.contains("a row to be seen"), "{}", ran.stdout);
}

#[test]
fn a_mistake_in_the_configuration_is_told_with_its_place() {
    let world = world_with("counts");
    world.config("tick_seconds = 5\n\n[processors.counts]\nreplaced = \"nothing\"\nforgotten = 7\n");
    let (status, report) = check(&world, "counts");
    assert_eq!((status, &report["plugin"]["status"]), (2, &json!("unavailable")));
    let place = &report["configuration"];
    assert_eq!(
        (&place["section"], &place["key"], &place["line"]),
        (&json!("[processors.counts]"), &json!("forgotten"), &json!(5)),
        "{report}"
    );
    let (_, reason) = verdict(&report, "loads");
    assert!(
        reason.contains("config.toml, line 5, section [processors.counts], key `forgotten`"),
        "{reason}"
    );
    assert_eq!(verdict(&report, "steady").0, "not_tried");
}

#[test]
fn the_transcripts_stay_as_they_are() {
    let world = world_with("probe");
    let before = fs::read(world.sessions().join("alice/a.jsonl")).unwrap();
    drop(check(&world, "probe"));
    assert_eq!(fs::read(world.sessions().join("alice/a.jsonl")).unwrap(), before);
}

#[test]
fn what_has_no_answer_over_the_rows_is_told() {
    let mut world = World::with(&["misfit"]);
    world.write("alice/a.jsonl", "{}\n");
    for (variable, sql) in [
        (
            "MISFIT_SQL",
            "CREATE TABLE misfit_rows (n VARCHAR);\nCREATE VIEW misfit_view AS SELECT n::INTEGER AS n FROM misfit_rows",
        ),
        ("MISFIT_STATEMENT", "INSERT INTO misfit_rows VALUES ('seven')"),
        ("MISFIT_REPORT", "SELECT n::INTEGER AS n FROM misfit_rows"),
    ] {
        world.set_variable(variable, sql);
    }
    let (status, report) = check(&world, "misfit");
    assert_eq!(status, 1, "{report}");
    // DuckDB finds nothing wrong with either over no rows.
    assert_eq!(verdict(&report, "reports").0, "passed");
    let (found, reason) = verdict(&report, "answers");
    assert_eq!(found, "failed", "{report}");
    for told in ["the report misfit.rows", "the view misfit_view", "seven"] {
        assert!(reason.contains(told), "{told}: {reason}");
    }
}
