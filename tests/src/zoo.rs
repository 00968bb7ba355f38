//! The zoo: what a plugin does in an attempt that no host survives in its own process, and what must become of its session.
//!
//! The plugin `zoo` does what the transcript names. Beside it, others process the same sessions.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};
use walkdir::WalkDir;

use crate::{documentation::repository, world::World};

/// One misdeed, and what becomes of its session.
#[derive(Clone, Copy, Debug)]
pub struct Misdeed {
    /// Its name, as the plugin knows it.
    pub name: &'static str,
    /// What becomes of the session.
    pub becomes: Becomes,
    /// Whether it ends at once, and not by a limit on its time.
    pub ends_at_once: bool,
}

/// What becomes of a session.
#[derive(Clone, Copy, Debug)]
pub enum Becomes {
    /// It is processed.
    Processed,
    /// It fails.
    Failed {
        /// With this kind of failure.
        kind: &'static str,
        /// With an error that contains this.
        error: &'static str,
    },
}

const fn fails(name: &'static str, kind: &'static str, error: &'static str) -> Misdeed {
    Misdeed {
        name,
        becomes: Becomes::Failed { kind, error },
        ends_at_once: true,
    }
}

const fn never_ends(name: &'static str) -> Misdeed {
    Misdeed {
        name,
        becomes: Becomes::Failed {
            kind: "timeout",
            error: "attempt_timeout_seconds",
        },
        ends_at_once: false,
    }
}

const fn does_no_harm(name: &'static str) -> Misdeed {
    Misdeed {
        name,
        becomes: Becomes::Processed,
        ends_at_once: true,
    }
}

/// All misdeeds that need nothing but a worker process that is ended or outlived.
pub const MISDEEDS: &[Misdeed] = &[
    fails("null_write", "crash", "SIGSEGV ended the worker process"),
    fails("abort", "crash", "SIGABRT ended the worker process"),
    fails("stack_overflow", "crash", "overflowed its stack"),
    fails("double_panic", "crash", "SIGABRT ended the worker process"),
    fails("panic_in_hook", "crash", "SIGABRT ended the worker process"),
    fails("pthread_exit", "crash", "the worker process"),
    fails("exit", "crash", "exited with status 0"),
    fails("quick_exit", "crash", "exited with status 0"),
    fails("underscore_exit", "crash", "exited with status 0"),
    // The system kills so when memory is short, and nothing tells the two apart.
    fails("kill_itself", "memory", "SIGKILL ended the worker process"),
    fails("allocate", "memory", "memory allocation of"),
    fails("close_descriptors", "crash", "exited with status 1"),
    Misdeed {
        ends_at_once: false,
        ..fails(
            "close_descriptors_and_park",
            "crash",
            "closed its link to the host and ran on",
        )
    },
    fails("write_to_descriptors", "error", "malformed"),
    fails("announce_much", "error", "too long"),
    fails("fork_and_exit", "crash", "exited with status 0"),
    fails("limit_file_size", "crash", "SIGXFSZ ended the worker process"),
    never_ends("spin"),
    never_ends("park"),
    does_no_harm("fork_and_stay"),
    does_no_harm("limit_descriptors"),
    does_no_harm("change_surroundings"),
    does_no_harm("leave_thread"),
    does_no_harm("flood"),
];

/// The processors that process the same sessions, and that must not notice.
pub const NEIGHBOURS: [&str; 2] = ["errors", "usage"];

/// The failures of the zoo, with their kinds and errors.
pub const FAILURES: &str =
    "SELECT session_file, kind, error FROM session_processor_failure WHERE processor_name = 'zoo'";

impl Misdeed {
    /// Its session.
    #[must_use]
    pub fn session(&self) -> String {
        format!("zoo/{}.jsonl", self.name)
    }

    /// A transcript that tells it, and that differs from those of other rounds.
    #[must_use]
    pub fn transcript(&self, round: usize) -> String {
        let step = match self.name {
            "exit" => json!({"zoo": "exit", "status": 0}),
            name => json!({"zoo": name}),
        };
        format!("{step}\n{{\"round\":{round}}}\n")
    }

    /// Checks what became of its session.
    #[track_caller]
    fn check(&self, failed: Option<&(String, String)>) {
        match (self.becomes, failed) {
            (Becomes::Processed, None) => {}
            (Becomes::Failed { kind, error }, Some((failed_as, told))) if kind == failed_as && told.contains(error) => {
            }
            (becomes, failed) => panic!("{}: {failed:?}, where {becomes:?} is right", self.name),
        }
    }
}

/// Checks what became of the sessions of these misdeeds: `failures` are the rows of [`FAILURES`].
#[track_caller]
pub fn check_failures<'a>(misdeeds: impl IntoIterator<Item = &'a Misdeed>, failures: &[Value]) {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let mut failed: BTreeMap<String, (String, String)> = failures
        .iter()
        .map(|row| (text(row, "session_file"), (text(row, "kind"), text(row, "error"))))
        .collect();
    for misdeed in misdeeds {
        misdeed.check(failed.remove(&misdeed.session()).as_ref());
    }
    assert!(failed.is_empty(), "others failed too: {failed:?}");
}

impl World {
    /// A world with the zoo and its neighbours, each in worker processes, and with ordinary sessions.
    #[must_use]
    pub fn with_zoo() -> Self {
        let mut world = Self::with_neighbours();
        world.install("zoo");
        world.config(
            "[isolation]\ndefault = \"process\"\nworker_idle_seconds = 1\n\
             [isolation.zoo]\nworker_max_sessions = 1\nmemory_limit = 268435456\n",
        );
        world.set_variable("SESSION_HOST_WORKERS", "2");
        world
    }

    /// A world with the neighbours of the zoo alone, and with ordinary sessions.
    #[must_use]
    pub fn with_neighbours() -> Self {
        let mut world = Self::new();
        for neighbour in NEIGHBOURS {
            world.install(neighbour);
        }
        world.set_variable("SESSION_HOST_RECURSIVE", "true");
        world.write_samples();
        world
    }

    /// Writes the sample transcripts as sessions.
    pub fn write_samples(&self) {
        let samples = repository().join("tests/transcripts");
        let files = WalkDir::new(&samples).into_iter().filter_map(Result::ok);
        let transcripts = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "jsonl"));
        for transcript in transcripts {
            let session = transcript.path().strip_prefix(&samples).unwrap_or(Path::new(""));
            let bytes = fs::read(transcript.path()).expect("a sample can be read");
            self.write(&session.to_string_lossy(), bytes);
        }
    }

    /// Writes the sessions of these misdeeds.
    pub fn write_misdeeds<'a>(&self, misdeeds: impl IntoIterator<Item = &'a Misdeed>, round: usize) {
        for misdeed in misdeeds {
            self.write(&misdeed.session(), misdeed.transcript(round));
        }
    }
}
