//! A command that runs, and one that has ended.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use serde::Deserialize;
use serde_json::Value;

/// Longer than any command of a test takes: one that is still running then will never end.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command that has ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit status; the negative number of the signal that ended it, if one did.
    pub status: i32,
    /// The results of the runs that it made, where it printed them as JSON.
    pub results: Vec<RunResult>,
    /// What it printed.
    pub stdout: String,
    /// What it logged and complained.
    pub stderr: String,
}

/// The result of a run, as users see it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunResult {
    /// The processor's name.
    pub processor: String,
    /// How many sessions were candidates.
    pub scanned: u64,
    /// How many were processed.
    pub processed: u64,
    /// How many had not changed after all.
    pub skipped: u64,
    /// How many were left for the next run.
    pub capped: u64,
    /// How many failed.
    pub errors: u64,
    /// How many failed before, and wait.
    pub waiting: u64,
    /// How many are in quarantine.
    pub quarantined: u64,
    /// How many files and folders cannot be read.
    pub unreadable: u64,
    /// How many transcripts hold no known record.
    pub unrecognised: u64,
    /// How many lines could not be read.
    pub unreadable_lines: u64,
    /// How many items the processed ones gave.
    pub items_extracted: u64,
    /// How many were recorded for another user before.
    #[serde(default)]
    pub moved: Vec<Moved>,
    /// The first failures.
    pub errors_detail: Vec<SessionError>,
    /// How long the run took.
    pub duration_ms: u64,
    /// How many bytes of transcripts were read.
    pub bytes_read: u64,
}

/// Sessions that are recorded for another user than before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Moved {
    /// The user before.
    pub from: String,
    /// The user now.
    pub to: String,
    /// How many there are.
    pub sessions: u64,
}

/// A session that failed in a run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SessionError {
    /// The session's key.
    pub session: String,
    /// Why it failed.
    pub error: String,
}

impl Ran {
    /// What came of a command that was run by other means.
    #[must_use]
    pub fn of(output: Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        Self {
            status: output
                .status
                .code()
                .unwrap_or_else(|| -output.status.signal().unwrap_or_default()),
            results: stdout
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect(),
            stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks the exit status, and shows what was said where it is another.
    #[must_use = "a command has more to check than its status; `drop` it where it has not"]
    #[track_caller]
    pub fn exits(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Checks that it logged this or complained of it, and shows what it said instead.
    #[track_caller]
    pub fn tells(&self, part: &str) {
        assert!(self.stderr.contains(part), "{part} is not in\n{}", self.stderr);
    }

    /// The result of the one run that was made.
    #[must_use]
    #[track_caller]
    pub fn result(&self) -> &RunResult {
        match self.results.as_slice() {
            [result] => result,
            results => panic!("one result expected, not {results:?}; stderr:\n{}", self.stderr),
        }
    }

    /// The result of the run of this processor.
    #[must_use]
    #[track_caller]
    pub fn result_of(&self, processor: &str) -> &RunResult {
        let mut results = self.results.iter();
        results
            .find(|result| result.processor == processor)
            .unwrap_or_else(|| panic!("no run of {processor}; stderr:\n{}", self.stderr))
    }

    /// What was printed, as one JSON document.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr))
    }

    /// The log, where it was asked for as JSON.
    #[must_use]
    #[track_caller]
    pub fn log(&self) -> Vec<Value> {
        let entry = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in the log's `{line}`"));
        self.stderr.lines().map(entry).collect()
    }
}

/// A command that runs, with its output gathered.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().expect("session-host can be started");
        Self { child }
    }

    /// The process's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends the process a signal, such as `libc::SIGKILL`.
    pub fn signal(&self, signal: i32) {
        send(self.child.id(), signal);
    }

    /// Waits for the end, and fails where it does not come.
    #[must_use]
    #[track_caller]
    pub fn ends(self) -> Ran {
        let id = self.child.id();
        let (sender, receiver) = channel();
        let waiting = thread::spawn(move || {
            // Nobody listens any more where patience has run out.
            let _ = sender.send(self.child.wait_with_output());
        });
        let Ok(output) = receiver.recv_timeout(PATIENCE) else {
            send(id, libc::SIGKILL);
            panic!("session-host did not end within {} s", PATIENCE.as_secs());
        };
        waiting.join().expect("the waiting thread does not panic");
        Ran::of(output.expect("the output of session-host can be read"))
    }
}

/// Sends a process a signal, such as `libc::SIGSTOP`.
///
/// # Panics
/// When the number is none of a process.
#[allow(unsafe_code, reason = "the system call has no safe wrapper in std")]
pub fn send(process: u32, signal: i32) {
    let process = libc::pid_t::try_from(process).expect("a process number fits its type");
    // SAFETY: kill takes numbers and touches no memory.
    unsafe { libc::kill(process, signal) };
}
