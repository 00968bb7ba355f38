//! A state in a file, and an empty database.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
};

use session_host::state::{QueryLimits, Reader, TableContents};
use session_host_tests::{Database, Postgres, Ran, World, repository};

/// A world with a state in a file, an empty database, and a file that does not exist.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) database: Database<'static>,
}

/// Plugins whose tables have every type, keys, views, and rows that come with them.
pub(super) const PLUGINS: [&str; 6] = ["kinds", "probe", "reporting", "upserts", "usage", "viewed"];

impl Scene {
    /// A state that these plugins have made of the sample transcripts.
    #[track_caller]
    pub(super) fn new(plugins: &[&str]) -> Self {
        let scene = Self {
            world: World::with(plugins),
            database: Postgres::shared().database(),
        };
        let samples = repository().join("tests/transcripts");
        for user in ["alice", "bruno"] {
            for file in fs::read_dir(samples.join(user)).unwrap() {
                let path = file.unwrap().path();
                if path.is_file() {
                    let name = path.file_name().unwrap().to_str().unwrap();
                    scene.world.write(&format!("{user}/{name}"), fs::read(&path).unwrap());
                }
            }
        }
        scene.world.write("dora/probe.jsonl", r#"{"do":"rows","count":3}"#);
        drop(scene.world.run(&[]).exits(0));
        scene
    }

    /// The state in the file, for the command.
    pub(super) fn file(&self) -> String {
        self.world.state().to_str().unwrap().to_owned()
    }

    /// Where the copy of the copy goes.
    pub(super) fn back(&self) -> String {
        self.world.path("back.duckdb").to_str().unwrap().to_owned()
    }

    /// The address of the database.
    pub(super) fn url(&self) -> String {
        format!("{}?sslmode=disable", self.database.url())
    }

    /// Copies one state to another place.
    pub(super) fn copy(&self, from: &str, to: &str) -> Ran {
        self.world.host(&["copy-state", from, to])
    }

    /// Begins to copy, and is killed right after it has told so many steps. Whether it was killed before it ended.
    pub(super) fn copy_killed_after(&self, steps: usize, from: &str, to: &str) -> bool {
        let mut command = self.world.command(&["copy-state", from, to]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut running = command.spawn().unwrap();
        let told = BufReader::new(running.stderr.take().unwrap()).lines();
        let told = told.take(steps).filter(|line| line.is_ok()).count();
        // It may have ended by itself.
        let _ = running.kill();
        let status = running.wait().unwrap();
        assert!(status.code().is_none_or(|code| code == 0), "{status}");
        told == steps && !status.success()
    }

    /// The result of a report on the state at this place.
    #[track_caller]
    pub(super) fn report(&self, name: &str, state: &str) -> String {
        let ran = self.world.host(&["report", name, "--json", "--state", state]);
        ran.exits(0).stdout
    }

    /// Runs every processor on the state at this place, and checks that none is called. A run may read transcripts again that
    /// have changed so shortly before that their times prove nothing.
    #[track_caller]
    pub(super) fn finds_nothing_to_do(&self, state: &str) {
        let ran = self.world.run(&["--state", state]).exits(0);
        assert!(!ran.results.is_empty());
        for result in &ran.results {
            assert_eq!(result.scanned, result.skipped, "{}: {}", result.processor, ran.stderr);
            assert_eq!((result.processed, result.errors), (0, 0), "{}", result.processor);
        }
    }
}

/// The contents of every table and view of a state in a file.
#[track_caller]
pub(super) fn contents(state: &str) -> BTreeMap<String, TableContents> {
    let reader = Reader::open(Path::new(state)).unwrap();
    let tables = reader.described_tables().unwrap().into_iter();
    tables
        .map(|table| {
            let contents = reader.contents(&table.name).unwrap();
            (table.name, contents)
        })
        .collect()
}

/// The rows of a query on a state in a file.
#[track_caller]
pub(super) fn rows(state: &str, sql: &str) -> String {
    let reader = Reader::open(Path::new(state)).unwrap();
    let answer = reader.query(sql, &[], QueryLimits::NONE).unwrap();
    format!("{:?}", answer.rows)
}
