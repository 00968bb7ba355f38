//! Reports of processors: their list, their parameters, their output, and those that the host rejects.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{LibraryFile, Ran, World, library, library_name};

/// A world with the processor of reports, which has processed two users' lines of three days.
fn world() -> World {
    let mut world = World::with(&["reporting"]);
    world.set_variable("SESSION_HOST_TIMEZONE", "Europe/Prague");
    let line = |written_at: &str, project: &str, tokens: i64, cost: f64| {
        json!({"written_at": written_at, "project": project, "tokens": tokens, "cost": cost}).to_string() + "\n"
    };
    let alice = [
        line("2026-11-01T22:59:59Z", "shop", 1, 0.25),
        line("2026-11-01T23:00:00Z", "shop", 2, 0.25),
        line("2026-11-02T22:59:59Z", "till", 4, 0.5),
    ];
    world.write("alice/a.jsonl", alice.concat());
    world.write("bob/b.jsonl", line("2026-11-02T23:00:00Z", "", 8, 1.0));
    drop(world.run(&[]).exits(0));
    world
}

/// The answer to a report, as JSON.
#[track_caller]
fn report(world: &World, arguments: &[&str]) -> Value {
    world.host(&[&["report", "--json"], arguments].concat()).exits(0).json()
}

#[track_caller]
fn refused(world: &World, arguments: &[&str]) -> Ran {
    world.host(&[&["report"], arguments].concat()).exits(2)
}

#[test]
fn a_report_has_the_days_of_its_time_zone_and_the_sums_of_its_columns() {
    let world = world();
    let answer = report(&world, &["daily"]);
    let rows = json!([
        ["2026-11-01", 1, 1, 0.25, 1.0],
        ["2026-11-02", 2, 6, 0.75, 3.0],
        ["2026-11-03", 1, 8, 1.0, 8.0]
    ]);
    let expected = json!({
        "report": "reporting.daily", "title": "Lines per day", "description": "The lines of each day.",
        "timezone": "Europe/Prague", "since": null, "until": null, "username": null, "project": null,
        "columns": [
            {"name": "day", "label": "Day", "unit": "text", "summed": false, "gives_way": 0},
            {"name": "lines", "label": "Lines", "unit": "count", "summed": true, "gives_way": 0},
            {"name": "tokens", "label": "Tokens", "unit": "tokens", "summed": true, "gives_way": 0},
            {"name": "cost", "label": "Cost", "unit": "usd", "summed": true, "gives_way": 1},
            {"name": "average", "label": "Average", "unit": "tokens", "summed": false, "gives_way": 0}
        ],
        "chart": {"kind": "bars", "x": "day", "y": "tokens", "series": null, "value": null},
        "rows": rows, "totals": [null, 4, 15, 2.0, null], "truncated": false,
        "warnings": ["1 lines of bob have no project"]
    });
    assert_eq!(answer, expected);
}

#[test]
fn since_and_until_are_whole_days_and_user_and_project_choose_sessions() {
    let world = world();
    let rows = |arguments: &[&str]| report(&world, &[&["daily"], arguments].concat())["rows"].clone();
    let second = json!([["2026-11-02", 2, 6, 0.75, 3.0]]);
    assert_eq!(rows(&["--since", "2026-11-02", "--until", "2026-11-02"]), second);
    let answer = report(&world, &["daily", "--since", "2026-11-02", "--until", "2026-11-02"]);
    assert_eq!(
        (&answer["since"], &answer["until"]),
        (&json!("2026-11-01T23:00:00Z"), &json!("2026-11-02T23:00:00Z"))
    );
    assert_eq!(rows(&["--since", "2026-11-02T22:59:59Z"]).as_array().unwrap().len(), 2);
    let utc = json!([["2026-11-01", 2, 3, 0.5, 1.5], ["2026-11-02", 2, 12, 1.5, 6.0]]);
    assert_eq!(rows(&["--timezone", "UTC"]), utc);
    assert_eq!(rows(&["--username", "bob"]), json!([["2026-11-03", 1, 8, 1.0, 8.0]]));
    assert_eq!(rows(&["--project", "till"]), json!([["2026-11-02", 1, 4, 0.5, 4.0]]));
    assert_eq!(rows(&["--username", "nobody"]), json!([]));
    let none = report(&world, &["daily", "--username", "nobody"]);
    assert_eq!(
        (&none["totals"], &none["warnings"]),
        (&json!([null, null, null, null, null]), &json!([]))
    );
}

#[test]
fn rows_are_sorted_and_cut_and_the_sums_are_of_all_rows() {
    let world = world();
    let days = |arguments: &[&str]| -> (Vec<String>, Value, Value) {
        let answer = report(&world, &[&["daily"], arguments].concat());
        let rows = answer["rows"].as_array().unwrap().iter();
        let days = rows.map(|row| row[0].as_str().unwrap()[8..].to_owned()).collect();
        (days, answer["truncated"].clone(), answer["totals"][2].clone())
    };
    let of = |days: &[&str], truncated: bool| {
        let days: Vec<String> = days.iter().map(|day| (*day).to_owned()).collect();
        (days, json!(truncated), json!(15))
    };
    assert_eq!(days(&["--order", "tokens:desc"]), of(&["03", "02", "01"], false));
    assert_eq!(days(&["--order", "lines"]), of(&["01", "03", "02"], false));
    assert_eq!(
        days(&["--order", "day:asc", "--limit", "3"]),
        of(&["01", "02", "03"], false)
    );
    assert_eq!(days(&["--order", "day:desc", "--limit", "2"]), of(&["03", "02"], true));
    assert_eq!(days(&["--limit", "1"]), of(&["01"], true));
}

#[test]
fn the_host_binds_every_parameter() {
    let world = world();
    let rows = |arguments: &[&str]| report(&world, &[&["parameters"], arguments].concat())["rows"][0].clone();
    assert_eq!(
        rows(&[]),
        json!([null, null, null, null, "Europe/Prague", "sunday", true])
    );
    world.config("week_start = \"monday\"\ntimezone = \"Asia/Tokyo\"");
    let arguments = [
        "--since",
        "2026-11-01",
        "--until",
        "2026-11-02T12:00:00+01:00",
        "--timezone",
        "america/new_york",
    ];
    let arguments = [&arguments[..], &["--username", "al", "--project", "-x"]].concat();
    let bound = json!([
        "2026-11-01 04:00:00",
        "2026-11-02 11:00:00",
        "al",
        "-x",
        "America/New_York",
        "monday",
        true
    ]);
    assert_eq!(rows(&arguments), bound);
    let last = report(&world, &["parameters", "--last", "7d", "--timezone", "UTC"]);
    let time = |key: &str| last[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time("until").duration_since(time("since")).as_hours(), 7 * 24);
}

#[test]
fn a_report_is_written_as_csv_and_as_a_table() {
    let world = world();
    let ran = world.host(&["report", "daily", "--csv", "--limit", "2"]).exits(0);
    assert_eq!(
        ran.stdout,
        "day,lines,tokens,cost,average\n2026-11-01,1,1,0.25,1.0\n2026-11-02,2,6,0.75,3.0\n"
    );
    ran.tells("1 lines of bob have no project");
    let table = world.host(&["report", "daily"]).exits(0).stdout;
    for part in [
        "Lines per day",
        "Tokens",
        "2026-11-03",
        "15",
        "1 lines of bob have no project",
    ] {
        assert!(table.contains(part), "{table}");
    }
}

#[test]
fn what_a_report_cannot_be_asked_for_is_told() {
    let world = world();
    refused(&world, &["dayly"]).tells("there is no report `dayly`: did you mean reporting.daily?");
    refused(&world, &["reporting.user"]).tells("did you mean reporting.users?");
    refused(&world, &["xyz"]).tells("`session-host report` lists all");
    refused(&world, &["daily", "--since", "yesterday"]).tells("`yesterday` is no date");
    refused(&world, &["daily", "--last", "7y"]).tells("`7y` is no number of days, weeks or months: write 7d, 4w or 3m");
    refused(&world, &["daily", "--timezone", "Europe/Pragu"]).tells("did you mean Europe/Prague?");
    refused(&world, &["daily", "--order", "money:desc"])
        .tells("has no column `money` to sort by: write one of day, lines, tokens, cost, average");
    refused(&world, &["daily", "--limit", "0"]).tells("`limit` must be at least 1");
    refused(&world, &["daily", "--since", "2026-11-02", "--until", "2026-11-01"]).tells("swap `since` and `until`");
    refused(&world, &["daily", "--last", "7d", "--since", "2026-11-01"]).tells("cannot be used with");
    refused(&world, &["--since", "2026-11-01"]).tells("required arguments");
    refused(&world, &["missing"]).tells("the report `reporting.missing` is rejected: it declares a column `day`");
}

#[test]
fn a_name_that_two_processors_have_is_ambiguous() {
    let world = world();
    world.install("usage");
    drop(world.run(&[]).exits(0));
    refused(&world, &["daily"]).tells("the name `daily` is ambiguous: write reporting.daily or usage.daily");
    assert_eq!(
        report(&world, &["reporting.daily"])["rows"].as_array().unwrap().len(),
        3
    );
    assert_eq!(report(&world, &["usage.daily"])["rows"], json!([]));
}

/// The name of each rejected report, and a part of the reason.
const REJECTED: [(&str, &str); 20] = [
    ("daily", "another report of the processor has this name"),
    ("Bad name", "it must match [a-z][a-z0-9_-]*"),
    ("no-columns", "it declares no column"),
    ("twice", "it declares two columns `day`"),
    ("lines-of-text", "its description must be one line of text"),
    ("order", "its order names a column `month` that it does not declare"),
    ("chart", "its chart names a column `money` that it does not declare"),
    ("syntax", "syntax error"),
    ("two-statements", "this text holds 2"),
    ("breaks-out", "syntax error"),
    ("writes", "does not accept DELETE"),
    ("file", "`read_csv()` cannot be called here"),
    ("no-table", "nothing"),
    (
        "missing",
        "it declares a column `day`, but its SELECT gives only `lines`",
    ),
    (
        "undeclared",
        "its SELECT gives a column `more` that it does not declare",
    ),
    (
        "misfit",
        "column `lines` has values of type VARCHAR, but its unit needs a number",
    ),
    (
        "unwritable",
        "column `day` has values of type BIT, but its unit needs a type that JSON can express",
    ),
    (
        "parameter",
        "its SELECT has a parameter `$user`, but the host binds only $since, $until",
    ),
    ("positional", "its SELECT has a parameter `$1`"),
    (
        "no-time",
        "column `day` has values of type DATE, but its unit needs TIMESTAMP",
    ),
];

#[test]
fn rejected_reports_are_listed_with_their_reasons_and_cost_nothing_else() {
    let world = World::with(&["reporting"]);
    let check = |rejected: &Value, name: &str, ran: &Ran| {
        let rejected = rejected.as_array().unwrap();
        assert_eq!(rejected.len(), REJECTED.len(), "{rejected:#?}");
        for (rejected, (report, reason)) in rejected.iter().zip(REJECTED) {
            assert_eq!(rejected["report"], report, "{name}");
            let found = rejected["reason"].as_str().unwrap();
            assert!(
                found.contains(reason) && !found.contains('\n'),
                "{name}, {report}: {found}"
            );
            assert!(ran.stderr.contains(found), "{report}: {}", ran.stderr);
        }
    };
    // Before there is a state, its plugins are tried on a temporary one.
    let processors = || world.host(&["processors", "--json"]).exits(0);
    let ran = processors();
    check(&ran.json()[0]["rejected_reports"], "before the first run", &ran);
    let ran = world.run(&[]).exits(0);
    assert!(
        ran.stderr.contains("the report is rejected: it declares no column"),
        "{}",
        ran.stderr
    );
    // Later runs need no report of a known file, and try none.
    let again = world.run(&[]).exits(0);
    assert!(!again.stderr.contains("rejected"), "{}", again.stderr);
    let ran = processors();
    assert_eq!(ran.json()[0]["status"], "loaded");
    check(&ran.json()[0]["rejected_reports"], "after it", &ran);
    let shown = world.host(&["processors"]).exits(0).stdout;
    assert!(
        shown.contains("the report no-columns is rejected: it declares no column"),
        "{shown}"
    );

    let listed = world.host(&["report", "--json"]).exits(0).json();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 3 + REJECTED.len());
    let first = json!({"name": "reporting.daily", "processor": "reporting", "title": "Lines per day",
        "description": "The lines of each day.", "filters": ["since", "until", "username", "project"], "rejected": null});
    assert_eq!(listed[0], first);
    assert!(listed[..3].iter().all(|report| report["rejected"].is_null()));
    assert!(listed[3..].iter().all(|report| report["rejected"].is_string()));
    let table = world.host(&["report"]).exits(0).stdout;
    assert!(
        table.contains("reporting.users") && table.contains("rejected:"),
        "{table}"
    );
}

#[test]
fn the_first_run_of_a_library_tells_every_broken_report_and_remembers_the_others() {
    let world = World::with(&["reporting"]);
    world.write("alice/a.jsonl", r#"{"written_at":"2026-03-08T05:00:00Z","tokens":3}"#);
    let ran = world.run(&[]).exits(0);
    assert_eq!(ran.result().processed, 1);
    for (report, reason) in REJECTED {
        let told = ran
            .stderr
            .lines()
            .filter(|line| line.contains("the report is rejected"));
        let told = told.filter(|line| line.contains(&format!("report=\"{report}\"")) && line.contains(reason));
        assert_eq!(told.count(), 1, "{report}: {}", ran.stderr);
    }
    let trials = fs::read_to_string(world.path("data/plugin-trials.json")).unwrap();
    let trials: Value = serde_json::from_str(&trials).unwrap();
    let [trial] = trials.as_object().unwrap().values().collect::<Vec<_>>()[..] else {
        panic!("{trials:#}")
    };
    let passed = trial["reports"]["filters"].as_object().unwrap();
    assert!(
        passed.contains_key("daily") && passed.contains_key("users"),
        "{trials:#}"
    );
    // The other report `daily` is the one that is rejected.
    let rejected = REJECTED[1..].iter().find(|(report, _)| passed.contains_key(*report));
    assert_eq!(rejected, None, "{trials:#}");
}

#[test]
fn the_warnings_that_the_host_rejects_are_a_warning() {
    let world = World::new();
    world.install_file(LibraryFile::At(&library("reporting_v2")), &library_name("reporting"));
    world.write("alice/a.jsonl", "{\"written_at\":\"2026-11-01T00:00:00Z\"}\n");
    drop(world.run(&[]).exits(0));
    let answer = report(&world, &["people"]);
    assert_eq!(answer["rows"], json!([["alice"]]));
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(
        warning.starts_with("the warnings of reporting are unknown: "),
        "{warning}"
    );
    let listed = world.host(&["processors", "--json"]).exits(0).json();
    assert_eq!(listed[0]["rejected_reports"][0]["report"], "report_warnings");
}

#[test]
fn a_wrong_time_zone_or_week_is_found_at_the_start_and_told_with_its_place() {
    let mut world = World::new();
    for (line, part) in [
        ("timezone = \"Mars\"", "(timezone): `Mars` is no time zone"),
        (
            "week_start = \"friday\"",
            "(week_start): unknown variant `friday`, expected `sunday` or `monday`",
        ),
    ] {
        world.config(&format!("recursive = true\n{line}\n"));
        let ran = world.host(&["report"]).exits(2);
        ran.tells("config.toml, line 2, column");
        ran.tells(part);
    }
    world.config("");
    world.set_variable("SESSION_HOST_WEEK_START", "friday");
    let ran = world.host(&["report"]).exits(2);
    ran.tells("the variable SESSION_HOST_WEEK_START is `friday`: `friday` is no first day of a week");
}

#[test]
fn a_plugin_of_interface_1_0_has_no_reports() {
    let world = World::new();
    world.install_file(LibraryFile::At(&crate::compatibility::OLD.1), &library_name("compat"));
    drop(world.run(&[]).exits(0));
    let ran = world.host(&["report"]).exits(0);
    assert_eq!(ran.stdout.trim(), "no loaded processor has a report");
    assert_eq!(report(&world, &[]), json!([]));
}

#[test]
fn a_state_that_is_older_than_the_plugin_says_which_run_migrates_it() {
    let world = World::with(&["probe"]);
    drop(world.run(&[]).exits(0));
    world.install("reporting");
    refused(&world, &["daily"]).tells("`session-host run reporting` applies them");
}
