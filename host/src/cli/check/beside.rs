//! Lets several threads call one instance of the processor at the same time, as the service does in its own process.
//!
//! A worker process makes one call at a time. So the check starts a session-host of its own that runs the plugin inside it: if
//! the plugin crashes there, only that process ends.

use std::{
    fs::{self, File},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use anyhow::Context;
use serde::Serialize;

use super::{
    crowd::Crowd,
    passes::{Trial, contents, differing},
};
use crate::{
    config::Settings,
    names::ProcessorName,
    plugins::ISOLATION_VARIABLE,
    runner::{RunResult, SessionError},
    state::{ReprocessFilter, State},
};

/// How many threads call the processor.
pub(super) const THREADS: usize = 8;

/// What came of calls at the same time.
#[derive(Serialize)]
pub(super) struct Beside {
    /// The tables whose rows differ from those of calls one after the other.
    pub(super) differing_tables: Vec<String>,
    /// Sessions that failed.
    pub(super) failed: Vec<SessionError>,
    /// How the process ended, if it did not end by itself.
    pub(super) ended: Option<String>,
}

/// Makes the calls, one after the other and then at the same time. The settings name a data directory of its own.
pub(super) fn call_beside(
    settings: &Settings,
    crowd: &Crowd,
    processor: &ProcessorName,
) -> anyhow::Result<Trial<Beside>> {
    fs::create_dir_all(&settings.data)?;
    let call = |threads| run(command(settings, crowd, processor, threads)?, &settings.data);
    match call(1)? {
        Ok(result) if result.errors == 0 => {}
        Ok(_) => {
            return Ok(Trial::NotTried(
                "sessions fail without that, in the process of the host".to_owned(),
            ));
        }
        Err(ended) => return Ok(Trial::NotTried(format!("the plugin fails without that: {ended}"))),
    }
    let alone = {
        let state = State::open_existing(&settings.state)?;
        state.reprocess(processor, &ReprocessFilter::default())?;
        contents(&state, processor)?
    };
    let mut beside = Beside {
        differing_tables: Vec::new(),
        failed: Vec::new(),
        ended: None,
    };
    match call(THREADS)? {
        Err(ended) => beside.ended = Some(ended),
        Ok(result) if result.errors > 0 => beside.failed = result.errors_detail,
        Ok(_) => {
            let state = State::open_existing(&settings.state)?;
            beside.differing_tables = differing(&alone, &contents(&state, processor)?);
        }
    }
    Ok(Trial::Tried(beside))
}

/// Runs the processor in a process of its own; tells how that ended if there is no result.
fn run(mut command: Command, data: &Path) -> anyhow::Result<Result<RunResult, String>> {
    let (output, errors) = (data.join("output"), data.join("errors"));
    let status = command
        .stdin(Stdio::null())
        .stdout(File::create(&output)?)
        .stderr(File::create(&errors)?)
        .status()
        .context("cannot start a session-host for calls at the same time")?;
    let printed = fs::read_to_string(&output).unwrap_or_default();
    Ok(serde_json::from_str(printed.trim()).map_err(|_| how_it_ended(status, &errors)))
}

fn command(settings: &Settings, crowd: &Crowd, processor: &ProcessorName, threads: usize) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["run", processor.as_str(), "--json", "--recursive"]);
    if settings.file.exists() {
        command.arg("--config").arg(&settings.file);
    }
    let lock = settings.data.join("plugins.lock");
    File::create(&lock)?;
    command
        .arg("--sessions")
        .arg(&crowd.folder)
        .arg("--plugins")
        .arg(settings.plugins.path())
        .arg("--data")
        .arg(&settings.data)
        .arg("--state")
        .arg(settings.state.as_setting())
        .args(["--workers", &threads.to_string()])
        .args([
            "--attempt-timeout",
            &settings.limits.attempt_timeout.as_secs().to_string(),
        ])
        .env("SESSION_HOST_DIGESTS", lock)
        .env("SESSION_HOST_REQUIRE_DIGESTS", "false")
        .env_remove("SESSION_HOST_DISABLED_PLUGINS")
        .env(ISOLATION_VARIABLE, "in-process");
    Ok(command)
}

fn how_it_ended(status: ExitStatus, errors: &Path) -> String {
    let how = match status.signal().and_then(signal_hook::low_level::signal_name) {
        Some(signal) => format!("{signal} ended the process"),
        None => format!("the process ended: {status}"),
    };
    let told = fs::read_to_string(errors).unwrap_or_default();
    match told.lines().last() {
        Some(line) => format!("{how}; its last output: {line}"),
        None => how,
    }
}
