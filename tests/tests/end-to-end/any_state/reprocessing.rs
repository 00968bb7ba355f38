//! Which sessions are marked to be processed again, and how many would be.

use std::{collections::BTreeMap, fs, time::Duration};

use serde_json::{Value, json};
use session_host_tests::World;

use crate::script::{counts, processed, rows};

const A: &str = "alice/app/a.jsonl";
const B: &str = "alice/web/b.jsonl";
const C: &str = "bruno/app/c.jsonl";

/// A world in which three sessions of three days were processed.
fn world() -> World {
    let mut world = World::with(&["probe"]);
    world.set_variable("SESSION_HOST_TIMEZONE", "UTC");
    world.config("recursive = true\n[users]\nbruno = \"bob\"\n");
    for (session, days) in [(A, 10), (B, 5), (C, 1)] {
        world.write(session, rows(1));
        world.age(session, Duration::from_secs(days * 86_400));
    }
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(3));
    // A check long after the last change of a transcript leaves no doubt that it is unchanged.
    world.change_state("UPDATE session_processor_state SET checked_at = checked_at + INTERVAL 1 HOUR");
    world
}

/// The sessions that are marked, which are unmarked by that.
fn marked(world: &World) -> Vec<String> {
    let rows = world.rows("SELECT session_file FROM session_processor_state WHERE output_version = -1 ORDER BY ALL");
    world.change_state("UPDATE session_processor_state SET output_version = 1 WHERE output_version = -1");
    let text = |row: &Value| row["session_file"].as_str().unwrap().to_owned();
    rows.iter().map(text).collect()
}

/// When a transcript was last written, as the state has recorded it.
fn written(world: &World, session: &str, format: &str) -> String {
    let sql = format!(
        "SELECT strftime(file_mtime, '{format}') AS text FROM session_processor_state WHERE session_file = '{session}'"
    );
    world.rows(&sql)[0]["text"].as_str().unwrap().to_owned()
}

/// The command with these conditions.
fn reprocess<'a>(conditions: &[&'a str]) -> Vec<&'a str> {
    [&["reprocess", "probe"], conditions].concat()
}

#[test]
fn sessions_are_marked_by_the_recorded_time_of_their_transcripts() {
    let world = world();
    let day = written(&world, B, "%Y-%m-%d");
    let time = written(&world, B, "%Y-%m-%dT%H:%M:%S.%fZ");
    for (conditions, expected) in [
        (&["--since", &day][..], &[B, C][..]),
        (&["--until", &day], &[A, B]),
        (&["--since", &day, "--until", &day], &[B]),
        (&["--since", &time], &[B, C]),
        (&["--until", &time], &[A]),
    ] {
        drop(world.host(&reprocess(conditions)).exits(0));
        assert_eq!(marked(&world), expected, "{conditions:?}");
    }
}

#[test]
fn sessions_are_marked_by_user_and_by_project() {
    let world = world();
    for (conditions, expected) in [
        (&["--user", "alice"][..], &[A, B][..]),
        (&["--user", "bob"], &[C]),
        (&["--user", "bruno"], &[C]),
        (&["--project", "app"], &[A, C]),
        (&["--project", "alice/app"], &[A]),
        (&["--project", "we"], &[B]),
        (&["--user", "alice", "--project", "app"], &[A]),
        (&[A, "--user", "alice"], &[A]),
    ] {
        drop(world.host(&reprocess(conditions)).exits(0));
        assert_eq!(marked(&world), expected, "{conditions:?}");
    }
}

#[test]
fn the_next_run_processes_the_marked_sessions_alone() {
    let world = world();
    let marked = world.host(&reprocess(&["--project", "app"])).exits(0);
    assert_eq!(
        marked.stdout,
        "2 sessions of probe will be processed again at its next run\n"
    );
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(2));
}

#[test]
fn a_dry_run_tells_sessions_and_bytes_and_changes_nothing() {
    let world = world();
    let size = |session: &str| fs::metadata(world.sessions().join(session)).unwrap().len();
    let told = world.host(&reprocess(&["--user", "alice", "--dry-run"])).exits(0);
    let bytes = size(A) + size(B);
    assert_eq!(
        told.stdout,
        format!("2 sessions ({bytes} bytes) of probe would be marked to be processed again\n")
    );
    assert_eq!(marked(&world), [] as [&str; 0]);
    let told = world.host(&reprocess(&["--user", "nobody", "--dry-run"])).exits(0);
    assert!(told.stdout.starts_with("0 sessions (0 bytes)"), "{}", told.stdout);
    // What is marked already is not marked once more.
    drop(world.host(&reprocess(&[A])).exits(0));
    let told = world.host(&reprocess(&["--dry-run"])).exits(0);
    assert!(told.stdout.starts_with("2 sessions"), "{}", told.stdout);
}

#[test]
fn conditions_that_no_session_meets_and_dates_that_are_none_are_refused() {
    let world = world();
    let refused = world.host(&reprocess(&["--user", "nobody"])).exits(2);
    refused.tells("no session that meets all conditions");
    for date in ["yesterday", "2026-02-30", "2026-01-31T09:30:00"] {
        for flag in ["--since", "--until"] {
            world
                .host(&reprocess(&[flag, date]))
                .exits(2)
                .tells(&format!("`{date}` is no date"));
        }
    }
}

#[test]
fn the_service_takes_the_same_conditions() {
    let mut world = world();
    let day = written(&world, B, "%Y-%m-%d");
    let service = world.serve(&[]);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    let asked = |target: &str| {
        let answer = service.post(&format!("/api/admin/reprocess?processor=probe&{target}"));
        answer.is(200).json()
    };
    for (target, sessions) in [
        (format!("since={day}"), 2),
        (format!("until={day}"), 2),
        (format!("since={day}&until={day}"), 1),
        ("user=bob".to_owned(), 1),
        ("project=app".to_owned(), 2),
        ("user=nobody".to_owned(), 0),
    ] {
        let answer = asked(&format!("{target}&dry_run=true"));
        let told = (&answer["sessions"], &answer["dry_run"]);
        assert_eq!(told, (&json!(sessions), &json!(true)), "{target}");
    }
    let detail = service
        .post("/api/admin/reprocess?processor=probe&since=yesterday")
        .is(400)
        .detail();
    assert!(detail.contains("`yesterday` is no date"), "{detail}");
    // The commands hand their conditions over.
    let all = [
        "--since",
        &*day,
        "--until",
        &*day,
        "--user",
        "alice",
        "--project",
        "web",
    ];
    let told = world.host(&[&reprocess(&all)[..], &["--dry-run"]].concat()).exits(0);
    assert!(told.stdout.starts_with("1 sessions ("), "{}", told.stdout);
    drop(world.host(&reprocess(&all)).exits(0));
    let details = &service.run("probe").is(200).json()["details"];
    let expected = BTreeMap::from([("scanned", 1), ("processed", 1)]);
    for (counter, count) in expected {
        assert_eq!(details[counter], count, "{details}");
    }
}
