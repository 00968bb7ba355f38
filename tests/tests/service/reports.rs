//! Reports of a service: the same answers as without it, and the plugins of the moment.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{Service, World, library, library_name};

use crate::steps::value;

/// The days on which the clocks change: the time zone, the day, its beginning and its end.
const CHANGES: [(&str, &str, &str, &str); 6] = [
    (
        "America/New_York",
        "2026-03-08",
        "2026-03-08T05:00:00Z",
        "2026-03-09T04:00:00Z",
    ),
    (
        "America/New_York",
        "2026-11-01",
        "2026-11-01T04:00:00Z",
        "2026-11-02T05:00:00Z",
    ),
    (
        "Europe/Prague",
        "2026-03-29",
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:00:00Z",
    ),
    (
        "Europe/Prague",
        "2026-10-25",
        "2026-10-24T22:00:00Z",
        "2026-10-25T23:00:00Z",
    ),
    (
        "Australia/Lord_Howe",
        "2026-04-05",
        "2026-04-04T13:00:00Z",
        "2026-04-05T13:30:00Z",
    ),
    (
        "Australia/Lord_Howe",
        "2026-10-04",
        "2026-10-03T13:30:00Z",
        "2026-10-04T13:00:00Z",
    ),
];

/// A line of a transcript a second before a time, or at it.
fn line(time: &str, seconds: i64) -> String {
    let time: jiff::Timestamp = time.parse().unwrap();
    let time = jiff::Timestamp::from_second(time.as_second() + seconds).unwrap();
    json!({"written_at": time.to_string(), "tokens": 1, "project": "p"}).to_string() + "\n"
}

#[track_caller]
fn served(world: &World) -> Service {
    let service = world.serve(&[]);
    drop(service.run("reporting").is(200));
    service
}

#[test]
fn a_day_on_which_the_clocks_change_has_all_of_its_hours_and_no_other() {
    let world = World::with(&["reporting"]);
    for (number, (_, _, begins, ends)) in CHANGES.iter().enumerate() {
        let lines = [line(begins, -1), line(begins, 0), line(ends, -1), line(ends, 0)];
        world.write(&format!("user{number}/s.jsonl"), lines.concat());
    }
    let service = served(&world);
    for (number, (zone, day, begins, ends)) in CHANGES.iter().enumerate() {
        let target = format!("/api/reports/daily?username=user{number}&timezone={zone}");
        let days = service.get(&target).is(200).json()["rows"].clone();
        let found: Vec<(&Value, &Value)> = days.as_array().unwrap().iter().map(|row| (&row[0], &row[1])).collect();
        let lines: Vec<i64> = found.iter().map(|(_, lines)| lines.as_i64().unwrap()).collect();
        assert_eq!(lines, [1, 2, 1], "{zone} {days}");
        assert_eq!(found[1].0, day, "{zone}");
        let answer = service.get(&format!("{target}&since={day}&until={day}")).is(200).json();
        assert_eq!(answer["rows"], json!([[day, 2, 2, 0.0, 1.0]]), "{zone}");
        assert_eq!(
            (&answer["since"], &answer["until"]),
            (&json!(begins), &json!(ends)),
            "{zone}"
        );
    }
}

#[test]
fn the_command_gives_the_same_bytes_beside_a_server_and_without_one() {
    let mut world = World::with(&["reporting"]);
    world.set_variable("SESSION_HOST_TIMEZONE", "Europe/Prague");
    let lines = (0..200).map(|number| {
        let day = number % 28 + 1;
        let line = json!({"written_at": format!("2026-11-{day:02}T10:00:00Z"), "tokens": number, "cost": 0.1});
        line.to_string() + "\n"
    });
    world.write("alice/a.jsonl", lines.collect::<String>());
    drop(world.run(&[]).exits(0));
    let commands: [&[&str]; 4] = [
        &["report", "--json"],
        &["report", "daily", "--json"],
        &[
            "report",
            "reporting.daily",
            "--json",
            "--since",
            "2026-11-03",
            "--order",
            "tokens:desc",
            "--limit",
            "7",
        ],
        &[
            "report",
            "users",
            "--csv",
            "--username",
            "alice",
            "--until",
            "2026-11-20",
        ],
    ];
    let printed = |world: &World| commands.map(|command| world.host(command).exits(0).stdout);
    let alone = printed(&world);
    let service = world.serve(&[]);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    assert_eq!(printed(&world), alone);
    assert_eq!(service.get("/api/reports/daily").is(200).body, alone[1].trim_end());
    let refused = world.host(&["report", "dayly"]).exits(2);
    refused.tells("there is no report `dayly`: did you mean reporting.daily?");
}

#[test]
fn a_reload_brings_the_reports_of_the_new_file() {
    let world = World::with(&["reporting"]);
    let service = served(&world);
    let names = || {
        let listed = service.get("/api/reports").is(200).json();
        let reports = listed["reports"].as_array().unwrap().clone();
        let good = reports.into_iter().filter(|report| report["rejected"].is_null());
        good.map(|report| report["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["reporting.daily", "reporting.users", "reporting.parameters"]);
    let health = service.get("/api/health").is(200).json();
    assert_eq!((&health["status"], &health["warnings"]), (&json!("ok"), &json!([])));
    let file = world.plugins().join(library_name("reporting"));
    fs::write(file, fs::read(library("reporting_v2")).unwrap()).unwrap();
    drop(service.post("/api/admin/reload-plugins").is(200));
    assert_eq!(names(), ["reporting.people"]);
    drop(service.get("/api/reports/people").is(200));
    let detail = service.get("/api/reports/daily").is(404).detail();
    assert_eq!(detail, "there is no report `daily`: `session-host report` lists all");
    assert!(service.log().contains("report_warnings"), "{}", service.log());
}

#[test]
fn reports_need_the_token_and_leave_an_entry_in_the_audit_log() {
    let world = World::with(&["reporting"]);
    let service = served(&world);
    for target in ["/api/reports", "/api/reports/daily", "/api/reports/nothing"] {
        drop(service.call_with("GET", target, "", "").is(401));
    }
    drop(service.get("/api/reports").is(200));
    drop(service.get("/api/reports/daily?username=alice").is(200));
    drop(service.get("/api/reports/nothing").is(404));
    let entries =
        "SELECT list([action, result, params::VARCHAR] ORDER BY id) FROM audit_log WHERE action LIKE 'report%'";
    let expected = json!([
        ["reports", "ok", "{\"status\":200}"],
        ["report", "ok", "{\"report\":\"daily\",\"username\":\"alice\"}"],
        ["report", "failed", "{\"report\":\"nothing\"}"]
    ]);
    assert_eq!(value(&service, entries), expected);
}

#[test]
fn a_report_has_the_limits_of_a_query() {
    let world = World::with(&["reporting"]);
    let service = served(&world);
    for (target, part) in [
        ("daily?limit=10001", "`limit` must be at most 10000"),
        ("daily?limit=0", "`limit` must be at least 1"),
        (
            "daily?last=7d&since=2026-11-01",
            "`last` takes the place of `since` and `until`",
        ),
        ("daily?since=now", "`now` is no date"),
        ("daily?colour=red", "unknown field `colour`"),
        ("missing", "the report `reporting.missing` is rejected"),
    ] {
        let detail = service.get(&format!("/api/reports/{target}")).is(400).detail();
        assert!(detail.contains(part), "{target}: {detail}");
    }
}

#[test]
fn a_filter_that_a_report_does_not_have_is_a_bad_request() {
    let world = World::with(&["errors"]);
    let service = world.serve(&[]);
    drop(service.get("/api/reports/errors.classes?username=alice").is(200));
    let detail = service.get("/api/reports/errors.classes?project=shop").is(400).detail();
    assert_eq!(
        detail,
        "the report `errors.classes` has no filter `project`: it has since, until, username"
    );
}
