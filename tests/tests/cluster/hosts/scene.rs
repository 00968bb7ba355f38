//! Hosts that share transcripts and a state, and one that works alone, to compare with.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use session_host::{
    postgres::{Limits, Session},
    state::State,
    state_place::SharedFolders,
};
use session_host_tests::{Service, World, psql, send, target_folder, unguarded_host_binary, wait_until};
use walkdir::WalkDir;

use super::watch;

/// How many rows of the probe the first version of a session has.
pub(super) const ROWS: i64 = 5;

/// Short, so that a test sees a host die; long enough for a busy test machine to renew.
pub(super) const LEASE_SECONDS: u64 = 4;

/// Which safeguards a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guards {
    /// All of them.
    On,
    NoFence,
    NoComparison,
    /// None.
    Off,
}

impl Guards {
    /// Those that it does without, by their names in `host/src/safeguards.rs`.
    fn missing(self) -> &'static str {
        match self {
            Self::On => "",
            Self::NoFence => "fence",
            Self::NoComparison => "comparison",
            Self::Off => "fence,comparison,end-of-connections",
        }
    }
}

/// How often a host runs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schedule {
    /// Every second.
    Always,
    /// At the start, and when it gains something.
    Once,
    /// At the start, when it gains something, and every minute.
    Seldom,
    /// Some seconds after the start, and when it has gained something.
    OnceAfterAWhile,
    /// Never.
    Never,
}

/// What hosts share. The transcripts are those of the world of the host that works alone.
pub(super) struct Scene {
    pub(super) url: String,
    pub(super) alone: World,
    pub(super) plugins: &'static [&'static str],
}

/// How a host is started.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) guards: Guards,
    pub(super) schedule: Schedule,
    /// Where it reaches the database.
    pub(super) url: String,
    /// How many seconds its clock is ahead.
    pub(super) ahead: i64,
}

/// A running host, with a folder of its own; killed when it is dropped.
pub(super) struct Member {
    world: World,
    pub(super) service: Service,
}

impl Scene {
    /// No transcripts, and a state whose versions are watched.
    #[track_caller]
    pub(super) fn new(url: String, plugins: &'static [&'static str]) -> Self {
        let alone = World::with(plugins);
        let scene = Self { url, alone, plugins };
        scene.make_state();
        scene.sql(watch::LOG);
        scene
    }

    /// Makes the host's own tables.
    #[track_caller]
    fn make_state(&self) {
        let address = self.url.parse().expect("the address of a database");
        let folders = SharedFolders {
            exports: self.alone.path("data/exports"),
            snapshots: None,
        };
        drop(State::open_shared(&address, folders).expect("the database can hold a state"));
    }

    /// Writes the transcript of a session, which gives rows of the probe.
    pub(super) fn write(&self, session: &str, text: &str) {
        let step = json!({"do": "rows", "count": ROWS, "text": text});
        self.alone.write(session, format!("{step}\n"));
    }

    /// Writes so many sessions, whose rows have this text.
    pub(super) fn write_many(&self, sessions: usize, text: &str) {
        for number in 0..sessions {
            self.write(&format!("user-{}/{number:04}.jsonl", number % 3), text);
        }
    }

    /// Generates so many transcripts in the shape of real ones, which give rows of the probe, too.
    #[track_caller]
    pub(super) fn generate(&self, sessions: usize) {
        let mut command = Command::new(target_folder().join("generate-corpus"));
        command.arg(self.alone.sessions());
        command.args(["--sessions", &sessions.to_string(), "--bytes", "1MB", "--seed", "7"]);
        let status = command.status().expect("the generator can be started");
        assert!(status.success(), "{command:?}");
        self.append(&json!({"do": "rows", "count": ROWS}));
    }

    /// Changes every session: it has a row more then.
    pub(super) fn change(&self) {
        self.append(&json!({"do": "rows", "count": 1}));
    }

    /// Adds a line to every transcript.
    fn append(&self, step: &Value) {
        for path in self.transcripts() {
            let mut file = File::options().append(true).open(path).unwrap();
            file.write_all(format!("{step}\n").as_bytes()).unwrap();
        }
    }

    fn transcripts(&self) -> Vec<PathBuf> {
        let entries = WalkDir::new(self.alone.sessions()).into_iter().flatten();
        let files = entries.map(walkdir::DirEntry::into_path);
        files
            .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
            .collect()
    }

    /// How a guarded host is started that runs all the time.
    pub(super) fn setup(&self) -> Setup {
        Setup {
            guards: Guards::On,
            schedule: Schedule::Always,
            url: self.url.clone(),
            ahead: 0,
        }
    }

    /// Starts a host.
    #[track_caller]
    pub(super) fn start(&self, setup: &Setup) -> Member {
        let mut world = World::with(self.plugins);
        if setup.guards != Guards::On {
            world.run_by(unguarded_host_binary());
            world.set_variable("UNGUARDED", setup.guards.missing());
        }
        if setup.ahead != 0 {
            set_clock(&mut world, setup.ahead);
        }
        let (cadence, grace) = match setup.schedule {
            Schedule::Always => ("every 1s", "0"),
            Schedule::Once => ("every 9d", "0"),
            Schedule::Seldom => ("every 1m", "0"),
            Schedule::OnceAfterAWhile => ("every 9d", "6"),
            Schedule::Never => ("every 9d", "100000"),
        };
        let schedule = self.plugins.iter().map(|plugin| format!("{plugin} = \"{cadence}\"\n"));
        world.config(&format!(
            "lease_seconds = {LEASE_SECONDS}\nworkers = 1\n[schedule]\n{}",
            schedule.collect::<String>()
        ));
        let sessions = self.alone.sessions().display().to_string();
        let service = world.serve(&[
            ("SESSION_HOST_SESSIONS", &sessions),
            ("SESSION_HOST_STATE", &setup.url),
            ("SESSION_HOST_STARTUP_GRACE_SECONDS", grace),
        ]);
        Member { world, service }
    }

    /// Runs SQL in the database, and gives what `psql` prints.
    #[track_caller]
    pub(super) fn sql(&self, text: &str) -> String {
        psql(&self.url, text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Waits until a query of one truth value gives `true`; an outage of the database is waited for.
    #[track_caller]
    pub(super) fn wait_for(&self, what: &str, sql: &str) {
        let mut open = None;
        wait_until(what, || {
            let known = open.take().or_else(|| session(&self.url));
            let answered = known.and_then(|mut session| {
                let is_true = session.query("wait", sql, &[]).ok()?.first()?.get(0);
                open = Some(session);
                Some(is_true)
            });
            answered.unwrap_or(false)
        });
    }

    /// Waits until every processor has recorded every transcript as it is now.
    #[track_caller]
    pub(super) fn wait_for_all(&self) {
        self.wait_for("every session is processed", &self.is_all_processed());
    }

    /// The query whether every processor has recorded every transcript as it is now.
    pub(super) fn is_all_processed(&self) -> String {
        let sizes = self
            .transcripts()
            .into_iter()
            .map(|path| fs::metadata(path).unwrap().len());
        let (sessions, bytes) = sizes.fold((0, 0), |(count, sum), size| (count + 1, sum + size));
        format!(
            "SELECT count(*) = {} FROM (
                 SELECT 1 FROM main.session_processor_state GROUP BY processor_name
                 HAVING count(*) = {sessions} AND sum(file_size) = {bytes}
             ) AS done",
            self.plugins.len()
        )
    }

    /// The rows that a query gives, as the command prints them.
    #[track_caller]
    fn query(&self, state: &str, sql: &str) -> String {
        let mut command = self.alone.command(&["query", "--format", "json", sql]);
        let output = command.env("SESSION_HOST_STATE", state).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What processors wrote, and which versions are recorded: a line for each row.
    #[track_caller]
    fn contents(&self, state: &str) -> Vec<String> {
        let listing = "SELECT table_name FROM duckdb_tables() JOIN processor_table USING (table_name) ORDER BY 1";
        let tables: Vec<String> = self.alone.rows(listing).iter().map(name_of_table).collect();
        assert!(!tables.is_empty());
        // The instances of the probe are counted in each process.
        let mut parts: Vec<String> = tables
            .iter()
            .map(|table| {
                format!(
                    "SELECT '{table}' AS name, to_json(r)::VARCHAR AS row FROM (
                 SELECT COLUMNS(c -> c <> 'instance') FROM {table}) AS r"
                )
            })
            .collect();
        parts.push(
            "SELECT 'state' AS name, to_json(r)::VARCHAR AS row FROM (
                 SELECT * EXCLUDE (processed_at, checked_at) FROM session_processor_state) AS r"
                .to_owned(),
        );
        let all = self.query(state, &format!("FROM ({}) ORDER BY ALL", parts.join(" UNION ALL ")));
        all.lines().map(str::to_owned).collect()
    }

    /// Checks that the tables are those of a host that works alone, undisturbed.
    #[track_caller]
    pub(super) fn is_as_if_alone(&self) {
        drop(self.alone.run(&[]).exits(0));
        let alone = self.contents(&self.alone.state().display().to_string());
        let shared = self.contents(&self.url);
        let differing = alone.iter().zip(&shared).find(|(alone, shared)| alone != shared);
        assert_eq!(differing, None, "{} rows alone, {} shared", alone.len(), shared.len());
        assert_eq!(alone.len(), shared.len());
    }

    /// Checks that everything is as if nothing had happened.
    #[track_caller]
    pub(super) fn holds(&self) {
        self.is_each_version_committed_once();
        assert_eq!(self.sql(&watch::halves(self.plugins)), "");
        assert_eq!(self.sql("SELECT * FROM watch.failure"), "");
        self.is_as_if_alone();
    }
}

/// Sets the clock of what the world runs ahead, by the library of Debian's package `faketime`. The times of files and the
/// clock that only goes forward stay what they are.
fn set_clock(world: &mut World, seconds: i64) {
    let ahead = format!("{seconds:+}s");
    let mut faketime = Command::new("faketime");
    let asked = faketime.args(["-f", &ahead, "printenv", "LD_PRELOAD"]).output();
    let asked = asked.expect("faketime can be started; install Debian's package faketime");
    let library = String::from_utf8(asked.stdout).unwrap();
    world.set_variable("LD_PRELOAD", library.trim());
    world.set_variable("FAKETIME", &ahead);
    world.set_variable("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    world.set_variable("NO_FAKE_STAT", "1");
}

/// A connection to a database, if it can be reached.
pub(super) fn session(url: &str) -> Option<Session> {
    const LIMIT: Duration = Duration::from_secs(100);
    let limits = Limits {
        statement: LIMIT,
        lock: LIMIT,
        answer: LIMIT,
    };
    Session::open(&url.parse().unwrap(), "watch", limits).ok()
}

fn name_of_table(row: &Value) -> String {
    row["table_name"].as_str().unwrap().to_owned()
}

impl Member {
    /// Puts another plugin into its plugins directory.
    pub(super) fn install(&self, plugin: &str) {
        self.world.install(plugin);
    }

    /// Sends its process a signal.
    pub(super) fn signal(&self, signal: i32) {
        send(self.service.id(), signal);
    }

    /// Waits until it has logged this.
    #[track_caller]
    pub(super) fn tells(&self, part: &str) {
        wait_until(&format!("the host tells: {part}"), || self.service.log().contains(part));
    }

    /// Waits until a line of its log has all of this.
    #[track_caller]
    pub(super) fn tells_at_once(&self, parts: &[&str]) {
        let has_all = |line: &str| parts.iter().all(|part| line.contains(part));
        wait_until(&format!("the host tells: {parts:?}"), || {
            self.service.log().lines().any(has_all)
        });
    }

    /// How many sessions the runs of a processor that have ended here have chosen.
    #[track_caller]
    pub(super) fn scanned(&self, processor: &str) -> usize {
        let log = self.service.log();
        let of_run = format!("processor={processor} ");
        let ended = log
            .lines()
            .filter(|line| line.contains("the run has ended") && line.contains(&of_run));
        let scanned = |line: &str| {
            let (_, number) = line.split_once("scanned=").expect("a run says how much it scanned");
            let end = number
                .find(|letter: char| !letter.is_ascii_digit())
                .unwrap_or(number.len());
            number[..end].parse::<usize>().expect("digits are a number")
        };
        ended.map(scanned).sum()
    }

    /// Whether its health warns of something of this kind.
    pub(super) fn warns(&self, kind: &str) -> bool {
        let health = self.service.get("/api/health").is(200).json();
        let mut warnings = health["warnings"].as_array().unwrap().iter();
        warnings.any(|warning| warning["kind"] == kind)
    }

    /// Kills it.
    pub(super) fn dies(self) {
        self.signal(libc::SIGKILL);
    }

    /// Ends it in order.
    #[track_caller]
    pub(super) fn ends(self) {
        self.signal(libc::SIGTERM);
        wait_until("the host has ended", || {
            session_host_tests::has_ended(self.service.id())
        });
    }
}

impl Drop for Member {
    #[allow(clippy::print_stderr, reason = "whoever reads why a test failed needs it")]
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.service.log();
            let tells = |line: &&str| !line.contains(" scanned=0 ");
            let lines: Vec<&str> = log.lines().filter(tells).collect();
            eprintln!("the log of {}:\n{}", self.world.path("").display(), lines.join("\n"));
        }
    }
}
