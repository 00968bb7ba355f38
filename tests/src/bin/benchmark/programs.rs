//! The programs that are measured.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::process::{Measured, measure};

/// The plugins directory that holds every plugin.
pub(crate) const EVERY: &str = "every";

/// session-host with its processors.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) program: PathBuf,
    /// The folder of plugins directories: one for each processor, which holds its plugin alone, and [`EVERY`].
    pub(crate) plugins: PathBuf,
    /// Where it keeps its state.
    pub(crate) scratch: PathBuf,
    pub(crate) threads: usize,
}

/// Where the code of a processor runs.
#[derive(Clone, Copy)]
pub(crate) enum Isolation {
    /// In the host.
    InProcess,
    /// In worker processes.
    Process,
}

impl Isolation {
    fn as_str(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            Self::Process => "process",
        }
    }
}

/// What came of a run, as the host prints it.
#[derive(Deserialize)]
pub(crate) struct RunResult {
    errors: u64,
    capped: u64,
    bytes_read: u64,
    duration_ms: u64,
}

impl RunResult {
    pub(crate) fn megabytes_per_second(&self) -> f64 {
        self.bytes_read as f64 / 1e6 / self.seconds()
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.duration_ms.max(1) as f64 / 1e3
    }
}

impl Host {
    /// Removes the state, so that the next run is a first one.
    pub(crate) fn forget(&self) -> Result<()> {
        match fs::remove_dir_all(&self.scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// One run of the usage processor over all transcripts below `sessions`.
    pub(crate) fn run(&self, sessions: &Path) -> Result<(Measured, RunResult)> {
        self.run_processor("usage", sessions)
    }

    /// One run of a processor, the only one that is installed, over all transcripts below `sessions`.
    pub(crate) fn run_processor(&self, processor: &str, sessions: &Path) -> Result<(Measured, RunResult)> {
        self.run_isolated(processor, sessions, Isolation::InProcess)
    }

    /// As [`run_processor`](Self::run_processor), with the code of the processor in this place.
    pub(crate) fn run_isolated(
        &self,
        processor: &str,
        sessions: &Path,
        isolation: Isolation,
    ) -> Result<(Measured, RunResult)> {
        fs::create_dir_all(&self.scratch)?;
        let mut command = self.command();
        command
            .args(["run", processor, "--json", "--recursive"])
            .arg(format!("--workers={}", self.threads))
            .arg("--sessions")
            .arg(sessions)
            .arg("--plugins")
            .arg(self.plugins.join(processor))
            .env("SESSION_HOST_ISOLATION", isolation.as_str());
        let measured = measure(&mut command)?;
        let result: RunResult =
            serde_json::from_slice(&measured.output).context("cannot read the result of the run")?;
        ensure!(
            result.errors == 0 && result.capped == 0,
            "the run did not process every session"
        );
        Ok((measured, result))
    }

    /// One run of several processors over all transcripts below `sessions`.
    pub(crate) fn run_together(&self, processors: &[&str], sessions: &Path) -> Result<Measured> {
        fs::create_dir_all(&self.scratch)?;
        let mut command = self.command();
        command
            .arg("run")
            .args(processors)
            .arg("--json")
            .arg(format!("--workers={}", self.threads))
            .arg("--sessions")
            .arg(sessions)
            .arg("--plugins")
            .arg(self.plugins.join(EVERY));
        measure(&mut command)
    }

    /// The line for the status bar of an agent.
    pub(crate) fn status_line(&self) -> Result<Measured> {
        measure(self.command().arg("statusline"))
    }

    /// The rows that a query of the state gives, as JSON.
    pub(crate) fn query(&self, sql: &str) -> Result<Vec<u8>> {
        let mut command = self.command();
        command.args(["query", sql, "--format", "json"]);
        Ok(measure(&mut command)?.output)
    }

    /// The host with its data here, and without any configuration.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        without_settings(&mut command);
        command
            .arg("--data")
            .arg(&self.scratch)
            .env("XDG_CONFIG_HOME", &self.scratch);
        command
    }
}

/// Takes away the variables by which the user configures session-host.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("SESSION_HOST_") {
            command.env_remove(name);
        }
    }
}

/// The program that does the least that is needed.
pub(crate) struct Floor {
    pub(crate) program: PathBuf,
    pub(crate) threads: usize,
}

/// What the floor prints.
#[derive(Deserialize)]
pub(crate) struct FloorResult {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) megabytes_per_second: f64,
}

impl Floor {
    pub(crate) fn run(&self, directory: &Path) -> Result<FloorResult> {
        let mut command = Command::new(&self.program);
        command
            .arg(directory)
            .arg("--json")
            .arg(format!("--threads={}", self.threads));
        serde_json::from_slice(&measure(&mut command)?.output).context("cannot read what the floor printed")
    }
}

/// The npm package that answers the same questions and keeps nothing.
pub(crate) struct Ccusage {
    pub(crate) program: PathBuf,
    pub(crate) home: PathBuf,
    /// A directory without any configuration.
    pub(crate) scratch: PathBuf,
}

impl Ccusage {
    /// Where it looks for transcripts.
    pub(crate) fn projects(&self) -> PathBuf {
        self.home.join(".claude/projects")
    }

    pub(crate) fn run(&self) -> Result<Measured> {
        let mut command = Command::new(&self.program);
        command
            .args(["claude", "session", "--offline", "--json"])
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", &self.scratch)
            .env_remove("CLAUDE_CONFIG_DIR");
        measure(&mut command)
    }
}
