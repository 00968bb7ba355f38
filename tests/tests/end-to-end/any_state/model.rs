//! Whatever happens to sessions, and to runs over them: the tables end as a small model says.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    thread,
    time::{Duration, SystemTime},
};

use proptest::prelude::*;
use serde_json::{Value, json};
use session_host_tests::World;

use crate::script::{error, rows};

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    Write { session: usize, content: Content },
    Touch { session: usize, back_by_seconds: u64 },
    Delete { session: usize },
    Reprocess,
    Forget { session: usize },
    Run { cap: Option<u64> },
    KilledRun { after_micros: u64 },
}

#[derive(Clone, Copy, Debug)]
enum Content {
    Rows(u64),
    Fails,
}

const SESSIONS: [&str; 4] = ["alice/a.jsonl", "alice/b.jsonl", "bob/a.jsonl", "bob/b.jsonl"];

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![4 => (0..9_u64).prop_map(Content::Rows), 1 => Just(Content::Fails)]
}

fn event() -> impl Strategy<Value = Event> {
    let session = 0..SESSIONS.len();
    prop_oneof![
        6 => (session.clone(), content()).prop_map(|(session, content)| Event::Write { session, content }),
        2 => (session.clone(), 0..100_000_u64)
            .prop_map(|(session, back_by_seconds)| Event::Touch { session, back_by_seconds }),
        1 => session.clone().prop_map(|session| Event::Delete { session }),
        1 => Just(Event::Reprocess),
        1 => session.prop_map(|session| Event::Forget { session }),
        3 => proptest::option::of(0..3_u64).prop_map(|cap| Event::Run { cap }),
        2 => (0..60_000_u64).prop_map(|after_micros| Event::KilledRun { after_micros }),
    ]
}

/// What the files say, and the sessions that a complete run has brought into the tables.
#[derive(Default)]
struct Model {
    files: BTreeMap<usize, Content>,
    /// How many rows each session has for certain; `None` where a partial run may have brought others.
    rows: BTreeMap<usize, Option<u64>>,
}

impl Model {
    fn happens(&mut self, event: &Event) {
        match *event {
            Event::Write { session, content } => drop(self.files.insert(session, content)),
            Event::Delete { session } => drop(self.files.remove(&session)),
            Event::Forget { session } => drop(self.rows.remove(&session)),
            Event::Touch { .. } | Event::Reprocess => {}
            Event::Run { cap: None } => self.runs_to_the_end(),
            Event::Run { cap: Some(_) } | Event::KilledRun { .. } => self.runs_in_part(),
        }
    }

    fn runs_to_the_end(&mut self) {
        for (session, content) in &self.files {
            if let Content::Rows(count) = content {
                self.rows.insert(*session, Some(*count));
            }
        }
    }

    fn runs_in_part(&mut self) {
        for (session, content) in &self.files {
            let known = self.rows.get(session).copied().flatten();
            match content {
                Content::Rows(count) if known != Some(*count) => drop(self.rows.insert(*session, None)),
                _ => {}
            }
        }
    }

    /// The sessions that are processed, with their numbers of rows where those are certain.
    fn expected(&self) -> Vec<(&'static str, Option<u64>)> {
        self.rows
            .iter()
            .map(|(session, rows)| (SESSIONS[*session], *rows))
            .collect()
    }
}

fn happens(world: &World, event: &Event) {
    match *event {
        Event::Write { session, content } => drop(world.write(SESSIONS[session], transcript(content))),
        Event::Touch {
            session,
            back_by_seconds,
        } => {
            if let Ok(file) = File::options()
                .append(true)
                .open(world.sessions().join(SESSIONS[session]))
            {
                file.set_modified(SystemTime::now() - Duration::from_secs(back_by_seconds))
                    .unwrap();
            }
        }
        // A file that is not there needs no deletion.
        Event::Delete { session } => drop(fs::remove_file(world.sessions().join(SESSIONS[session]))),
        Event::Reprocess => drop(world.host(&["reprocess", "probe"])),
        // What was never processed needs no forgetting either.
        Event::Forget { session } => drop(world.host(&["forget", SESSIONS[session]])),
        Event::Run { cap: None } => drop(world.run(&["probe"])),
        Event::Run { cap: Some(cap) } => drop(world.run(&["probe", "--max-sessions", &cap.to_string()])),
        Event::KilledRun { after_micros } => {
            let running = world.start(&["run", "probe"]);
            // With PostgreSQL, a run takes that much longer.
            let longer = if world.is_in_postgres() { 25 } else { 1 };
            thread::sleep(Duration::from_micros(after_micros * longer));
            running.signal(libc::SIGKILL);
            drop(running.ends());
            world.take_killed_hosts_over();
        }
    }
}

fn transcript(content: Content) -> String {
    match content {
        Content::Rows(count) => rows(count),
        Content::Fails => error("told to"),
    }
}

/// The sessions of the state with the rows that they have; a session of one but not of the other shows as well.
fn found(world: &World) -> Vec<Value> {
    world.rows(
        "SELECT session_file, items_extracted, rows FROM session_processor_state
         FULL JOIN (SELECT session_file, count(*) AS rows FROM probe_rows GROUP BY session_file) USING (session_file)
         ORDER BY session_file",
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tables_hold_what_the_files_say(events in proptest::collection::vec(event(), 1..16)) {
        let world = World::with(&["probe"]);
        drop(world.run(&["probe"]).exits(0));
        let mut model = Model::default();
        for event in events.iter().chain([&Event::Run { cap: None }]) {
            happens(&world, event);
            model.happens(event);
        }
        // Rows of sessions that are to be processed again, or whose file is gone, stay.
        for (session, rows) in model.expected() {
            let sql = format!("SELECT count(*) AS rows FROM probe_rows WHERE session_file = '{session}'");
            if let Some(rows) = rows {
                prop_assert_eq!(world.rows(&sql), [json!({"rows": rows})], "{}", session);
            }
        }
        for (session, content) in &model.files {
            let sql = format!("SELECT count(*) AS records FROM session_processor_failure WHERE session_file = '{}'", SESSIONS[*session]);
            let fails = u64::from(matches!(content, Content::Fails));
            prop_assert_eq!(world.rows(&sql), [json!({"records": fails})]);
        }
        for row in found(&world) {
            let known = model.expected().iter().any(|(session, _)| row["session_file"] == *session);
            prop_assert!(known, "{}", row);
            let processed = row["items_extracted"].is_null() || row["items_extracted"] == row["rows"].as_u64().unwrap_or(0);
            prop_assert!(processed, "{}", row);
        }
    }
}
