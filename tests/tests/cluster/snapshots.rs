//! Snapshots: one host writes them, reports of all hosts come from the newest, and what was forgotten is in none.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use session_host::postgres::{Limits, Session};
use session_host_tests::{Database, Postgres, Service, Visit, World, repository, wait_until};

/// The plugins of every host. The tables of `usage` come behind those of `reporting` in a snapshot.
const PLUGINS: [&str; 2] = ["reporting", "usage"];

/// How often a host writes a snapshot that is to write only its first one.
const NEVER: &str = "1000000";

/// What hosts share: transcripts, a state and a folder of snapshots.
struct Scene {
    shared: World,
    database: Database<'static>,
}

/// A running host with a folder of its own.
struct Member {
    world: World,
    service: Service,
}

impl Scene {
    fn new() -> Self {
        let scene = Self {
            shared: World::new(),
            database: Postgres::shared().database(),
        };
        scene.write("alice/a.jsonl");
        scene.write("bruno/b.jsonl");
        scene
    }

    /// Writes a transcript that gives a row.
    fn write(&self, session: &str) {
        let line = r#"{"written_at":"2026-03-08T05:00:00Z","project":"shop","tokens":3,"cost":0.25}"#;
        self.shared.write(session, line);
    }

    fn folder(&self) -> PathBuf {
        self.shared.path("snapshots")
    }

    /// Starts a host that writes a snapshot every so many seconds, if it is the one that does.
    #[track_caller]
    fn start(&self, seconds: &str) -> Member {
        let world = World::with(&PLUGINS);
        world.config("lease_seconds = 4\n");
        let service = world.serve(&[
            ("SESSION_HOST_SESSIONS", &self.shared.sessions().display().to_string()),
            ("SESSION_HOST_STATE", &self.database.url()),
            ("SESSION_HOST_SNAPSHOTS", &self.folder().display().to_string()),
            ("SESSION_HOST_SNAPSHOT_SECONDS", seconds),
        ]);
        Member { world, service }
    }

    /// Starts a host that has processed all transcripts before its first snapshot, and no other one.
    #[track_caller]
    fn with_all_in_a_snapshot(&self) -> Member {
        let world = World::with(&PLUGINS);
        let sessions = self.shared.sessions();
        let run = [
            "run",
            "--sessions",
            sessions.to_str().unwrap(),
            "--state",
            &self.database.url(),
        ];
        drop(world.host(&run).exits(0));
        let member = self.start(NEVER);
        wait_until("a snapshot is complete", || !complete(&self.folder()).is_empty());
        member
    }

    fn sql(&self, text: &str) -> String {
        self.database.sql(text)
    }
}

/// The complete snapshots in a folder, the newest last.
fn complete(folder: &Path) -> Vec<String> {
    let mut names = names_in(folder);
    names.retain(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    names
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

impl Member {
    /// A report, as the server answers it.
    #[track_caller]
    fn report(&self) -> Value {
        serde_json::from_str(&self.service.get("/api/reports/reporting.users").is(200).body).unwrap()
    }

    /// The users in a report.
    #[track_caller]
    fn users(&self) -> Vec<String> {
        let report = self.report();
        let rows = report["rows"].as_array().unwrap().iter();
        let mut users: Vec<String> = rows.map(|row| row[0].as_str().unwrap().to_owned()).collect();
        users.sort();
        users
    }

    /// Of when a report is; `None` if it is of now.
    #[track_caller]
    fn as_of(&self) -> Option<String> {
        self.report()["as_of"].as_str().map(str::to_owned)
    }

    fn wrote(&self) -> usize {
        self.service.log().matches("wrote a snapshot").count()
    }
}

#[test]
fn reports_come_from_the_newest_snapshot_and_say_of_when() {
    let scene = Scene::new();
    let member = scene.with_all_in_a_snapshot();
    scene.write("chen/c.jsonl");
    drop(member.service.run("reporting").is(200));
    let as_of = member.as_of().expect("a report from a snapshot says so");
    assert_eq!(member.users(), ["alice", "bruno"]);
    let now = member
        .service
        .query("SELECT count(*) AS n FROM reporting_lines", &Value::Array(Vec::new()));
    assert!(now.is(200).body.contains("[[3]]"));
    let page = Visit::of(&member.service).get(&member.service, "/reports/reporting.users");
    assert!(page.is(200).body.contains(&format!("As of {as_of}")));
    let mut command = member.world.command(&["report", "reporting.users"]);
    command.env("SESSION_HOST_SNAPSHOTS", scene.folder());
    command.env("SESSION_HOST_STATE", scene.database.url());
    let printed = command.output().unwrap();
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(printed.contains(&format!("as of {as_of}")), "{printed}");
}

#[test]
fn snapshots_follow_the_schedule_and_old_ones_go() {
    let scene = Scene::new();
    let member = scene.start("1");
    drop(member.service.run("reporting").is(200));
    wait_until("a report has what was processed", || {
        member.as_of().is_some() && member.users() == ["alice", "bruno"]
    });
    let first = member.as_of();
    wait_until("a newer one is read", || member.as_of() > first);
    wait_until("many were written", || member.wrote() >= 5);
    // Two are kept, and a third is there until an older one is removed.
    assert!(complete(&scene.folder()).len() <= 3);
    // What somebody left who was killed goes, too; what is no snapshot stays.
    for name in ["1.partial", "2.removed", "notes"] {
        fs::create_dir(scene.folder().join(name)).unwrap();
    }
    wait_until("the rest of older ones is gone", || {
        let names = names_in(&scene.folder());
        !names.iter().any(|name| name == "1.partial" || name == "2.removed")
    });
    assert!(scene.folder().join("notes").is_dir());
}

#[test]
fn one_of_several_hosts_writes_all_read_and_another_goes_on() {
    let scene = Scene::new();
    let first = scene.start("1");
    drop(first.service.run("reporting").is(200));
    wait_until("the first host writes", || first.wrote() > 0);
    let second = scene.start("1");
    let before = first.wrote();
    wait_until("the first host goes on", || first.wrote() > before + 2);
    assert_eq!(second.wrote(), 0);
    wait_until("the second host reads them", || {
        second.as_of().is_some() && second.users() == ["alice", "bruno"]
    });
    first.service.signal(libc::SIGKILL);
    wait_until("the second host writes", || second.wrote() > 1);
    assert_eq!(second.users(), ["alice", "bruno"]);
}

/// Breaks a snapshot, and looks what another host reports that has not read it yet.
#[track_caller]
fn falls_back_after(breaks: impl FnOnce(&Path), told: &str) {
    let scene = Scene::new();
    let first = scene.with_all_in_a_snapshot();
    let snapshot = scene.folder().join(complete(&scene.folder()).last().unwrap());
    breaks(&snapshot);
    // The first one still does what one host does for all, so the second writes none.
    let second = scene.start(NEVER);
    assert_eq!(
        (second.as_of(), second.users()),
        (None, vec!["alice".to_owned(), "bruno".to_owned()])
    );
    assert_eq!(second.users().len(), 2);
    let log = second.service.log();
    assert_eq!(log.matches("reports come from PostgreSQL").count(), 1, "{log}");
    assert!(log.contains(told), "{log}");
    drop(first);
}

#[test]
fn reports_come_from_the_tables_where_a_file_of_a_snapshot_is_missing() {
    let remove = |snapshot: &Path| fs::remove_file(snapshot.join("reporting_lines.parquet")).unwrap();
    falls_back_after(remove, "reporting_lines is missing");
}

#[test]
fn reports_come_from_the_tables_where_a_file_of_a_snapshot_is_torn() {
    let tear = |snapshot: &Path| fs::write(snapshot.join("reporting_lines.parquet"), "PAR1").unwrap();
    falls_back_after(tear, "reporting_lines.parquet");
}

/// What all reports of `usage` answer, without of when they are.
#[track_caller]
fn answers(member: &Member) -> Vec<Value> {
    let listed: Value = serde_json::from_str(&member.service.get("/api/reports").is(200).body).unwrap();
    let names = listed["reports"].as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|report| report["name"].as_str().unwrap()).collect();
    let asked = names.into_iter().filter(|name| name.starts_with("usage."));
    let answered = asked.map(|name| {
        let path = format!("/api/reports/{name}");
        let mut answer: Value = serde_json::from_str(&member.service.get(&path).is(200).body).unwrap();
        answer.as_object_mut().unwrap().remove("as_of");
        round(&mut answer);
        answer
    });
    answered.collect()
}

/// Rounds all fractions, because their sums depend on the order of the rows.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => *value = format!("{:.9}", number.as_f64().unwrap()).into(),
        Value::Array(values) => values.iter_mut().for_each(round),
        Value::Object(fields) => fields.values_mut().for_each(round),
        _ => {}
    }
}

#[test]
fn reports_from_stored_views_say_what_those_from_the_tables_say() {
    let scene = Scene::new();
    for session in ["alice/opening-hours", "alice/opening-hours-resumed", "bruno/rain-gauge"] {
        let transcript = repository().join(format!("tests/transcripts/{session}.jsonl"));
        scene
            .shared
            .write(&format!("{session}.jsonl"), fs::read(transcript).unwrap());
    }
    let member = scene.with_all_in_a_snapshot();
    let snapshot = scene.folder().join(complete(&scene.folder()).last().unwrap());
    // What reports read, and nothing that only other views read.
    let stored = names_in(&snapshot.join("views"));
    assert!(stored.contains(&"usage_responses.parquet".to_owned()), "{stored:?}");
    assert!(
        !stored.contains(&"usage_distinct_messages.parquet".to_owned()),
        "{stored:?}"
    );
    assert!(member.as_of().is_some());
    let from_snapshot = answers(&member);
    assert!(from_snapshot.len() > 10);
    assert!(
        from_snapshot
            .iter()
            .any(|answer| answer["rows"].as_array().is_some_and(|rows| rows.len() > 1))
    );
    fs::remove_dir_all(&snapshot).unwrap();
    assert_eq!(member.as_of(), None);
    assert_eq!(from_snapshot, answers(&member));
}

#[test]
fn reports_come_from_the_tables_where_a_stored_view_is_torn() {
    let tear = |snapshot: &Path| fs::write(snapshot.join("views/usage_projects.parquet"), "PAR1").unwrap();
    falls_back_after(tear, "usage_projects.parquet");
}

#[test]
fn a_snapshot_from_before_a_migration_is_not_read() {
    let scene = Scene::new();
    let member = scene.with_all_in_a_snapshot();
    assert!(member.as_of().is_some());
    member.world.install("viewed");
    drop(member.service.post("/api/admin/reload-plugins").is(200));
    assert_eq!((member.as_of(), member.users().len()), (None, 2));
    let log = member.service.log();
    assert!(log.contains("a migration has changed the tables since"), "{log}");
    assert!(!log.contains("backup"), "{log}");
}

#[test]
fn what_is_forgotten_is_in_no_snapshot_any_more() {
    let scene = Scene::new();
    let member = scene.with_all_in_a_snapshot();
    assert_eq!(member.users(), ["alice", "bruno"]);
    fs::create_dir(scene.folder().join("9000000000000000.partial")).unwrap();
    drop(member.service.post("/api/admin/forget?subject=alice").is(200));
    assert_eq!(names_in(&scene.folder()), Vec::<String>::new());
    assert_eq!((member.as_of(), member.users()), (None, vec!["bruno".to_owned()]));
}

#[test]
fn a_command_that_does_not_know_the_folder_lets_a_service_remove_the_snapshots() {
    let scene = Scene::new();
    let member = scene.with_all_in_a_snapshot();
    let elsewhere = World::with(&PLUGINS);
    let url = scene.database.url();
    drop(elsewhere.host(&["forget", "alice", "--state", &url]).exits(0));
    wait_until("the snapshots are gone", || names_in(&scene.folder()).is_empty());
    assert_eq!((member.as_of(), member.users()), (None, vec!["bruno".to_owned()]));
}

#[test]
fn what_is_forgotten_while_no_service_runs_is_read_from_no_snapshot() {
    let scene = Scene::new();
    let Member { world, service } = scene.with_all_in_a_snapshot();
    let _ = service.stop();
    let before = complete(&scene.folder());
    let url = scene.database.url();
    drop(world.host(&["forget", "alice", "--state", &url]).exits(0));
    assert_eq!(complete(&scene.folder()), before);
    let mut command = world.command(&["report", "reporting.users", "--state", &url]);
    let output = command.env("SESSION_HOST_SNAPSHOTS", scene.folder()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("bruno"), "{printed}");
    assert!(!printed.contains("alice") && !printed.contains("as of"), "{printed}");
    // However long ago that was.
    scene.sql("UPDATE main.session_host_request SET asked_at = asked_at - interval '8 days'");
    let member = scene.start(NEVER);
    wait_until("the new snapshot is read", || member.as_of().is_some());
    assert_eq!(member.users(), ["bruno"]);
    let after = complete(&scene.folder());
    assert!(before.iter().all(|old| !after.contains(old)), "{before:?} {after:?}");
}

#[test]
fn what_keeps_a_snapshot_from_being_removed_keeps_no_other_and_the_next_snapshot_tries_again() {
    let scene = Scene::new();
    let member = scene.with_all_in_a_snapshot();
    // No folder, so that it cannot be removed as one.
    fs::write(scene.folder().join("9000000000000000"), "").unwrap();
    let elsewhere = World::with(&PLUGINS);
    let url = scene.database.url();
    drop(elsewhere.host(&["forget", "alice", "--state", &url]).exits(0));
    wait_until("the host cannot remove it", || {
        member
            .service
            .log()
            .contains("some snapshots still hold what was forgotten")
    });
    assert_eq!(names_in(&scene.folder()), ["9000000000000000.removed"]);
    assert_eq!((member.as_of(), member.users()), (None, vec!["bruno".to_owned()]));
    fs::create_dir(scene.folder().join("1.removed")).unwrap();
    // One host writes snapshots.
    drop(member);
    let writer = scene.start("1");
    wait_until("the next snapshot is read", || writer.as_of().is_some());
    wait_until("what could not be removed is", || {
        !names_in(&scene.folder()).contains(&"1.removed".to_owned())
    });
    fs::remove_file(scene.folder().join("9000000000000000.removed")).unwrap();
}

#[test]
fn a_snapshot_that_is_being_written_does_not_bring_back_what_is_forgotten() {
    let scene = Scene::new();
    let member = scene.start("1");
    drop(member.service.run("reporting").is(200));
    wait_until("a snapshot is read", || {
        member.as_of().is_some() && member.users().len() == 2
    });
    let url = scene.database.url();
    let held = hold(&url, "LOCK TABLE main.usage_prices IN ACCESS EXCLUSIVE MODE");
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'main.usage_prices'::regclass";
    wait_until("a snapshot has read the first tables", || scene.sql(waits) != "0");
    let is_partial = |name: &String| name.ends_with(".partial");
    assert!(names_in(&scene.folder()).iter().any(is_partial));
    drop(member.service.post("/api/admin/forget?subject=alice").is(200));
    assert_eq!(names_in(&scene.folder()), Vec::<String>::new());
    drop(held);
    wait_until("the snapshot has failed", || {
        member.service.log().contains("reports stay as of the last snapshot")
    });
    assert_eq!(member.users(), ["bruno"]);
    wait_until("another one is read", || member.as_of().is_some());
    assert_eq!(member.users(), ["bruno"]);
}

/// A transaction that holds a lock until it is dropped.
fn hold(url: &str, lock: &str) -> Session {
    let limits = Limits::each(Duration::from_secs(300));
    let mut session = Session::open(&url.parse().unwrap(), "holder", limits).unwrap();
    session.batch("hold a lock", &format!("BEGIN; {lock}")).unwrap();
    session
}
