//! Lets one worker process make many attempts, and measures what it keeps of them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    config::Settings,
    host::Host,
    names::ProcessorName,
    plugins::{PluginTrust, Processor, TriedReports},
    runner::{RunLimits, RunResult, Selection, SessionError, StopToken},
    state::{Actor, ReprocessFilter},
};

/// How many attempts are made after those of the first round, in which caches fill and pools of threads start.
const SESSIONS: u64 = 1000;

/// When no further round begins, however few attempts were made. The first one that is measured always is.
const LONGEST: Duration = Duration::from_secs(5);

/// What one worker process used before and after many attempts.
#[derive(Serialize)]
pub(super) struct Endurance {
    /// How many attempts it made between both.
    pub(super) sessions: u64,
    /// `None` if nothing tells what it used, or it did not make all of the attempts.
    pub(super) used: Option<(Usage, Usage)>,
    /// A session that failed although it had not before.
    pub(super) failed: Option<SessionError>,
}

/// What a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Usage {
    /// Its threads.
    pub(super) threads: u64,
    /// Its open descriptors.
    pub(super) descriptors: u64,
    /// Its memory that is resident, in bytes.
    pub(super) memory: u64,
}

/// Makes the attempts, in a host whose settings name the sessions and a data directory of its own.
pub(super) fn endure(settings: &Settings, trust: PluginTrust, processor: &ProcessorName) -> anyhow::Result<Endurance> {
    let settings = Settings {
        limits: RunLimits {
            workers: 1,
            max_sessions: None,
            ..settings.limits.clone()
        },
        isolation: settings.isolation.clone().in_lasting_processes(),
        ..settings.clone()
    };
    let host = Arc::new(Host::start(settings, trust, TriedReports::OfNewLibraries)?);
    let processor = host.processor(processor.as_str())?;
    run(&host, &processor)?;
    let mut endurance = Endurance {
        sessions: 0,
        used: None,
        failed: None,
    };
    let first = processor.idle_workers();
    let before = used_by(&first);
    let began = Instant::now();
    loop {
        host.reprocess(processor.name(), &ReprocessFilter::default())?;
        let result = run(&host, &processor)?;
        let attempts = result.processed + result.unrecognised;
        endurance.sessions += attempts;
        endurance.failed = failure(result);
        let last = processor.idle_workers();
        if last == first {
            endurance.used = before.zip(used_by(&last));
        } else if endurance.failed.is_none() {
            endurance.used = None;
            break;
        }
        let is_enough = endurance.sessions >= SESSIONS || began.elapsed() >= LONGEST;
        if is_enough || attempts == 0 || endurance.failed.is_some() {
            break;
        }
    }
    drop(processor);
    host.let_plugins_go();
    Ok(endurance)
}

fn run(host: &Arc<Host>, processor: &Processor) -> anyhow::Result<RunResult> {
    let run = host.begin_run(processor.name().as_str(), Actor::Cli, Selection::All)?;
    Ok(run.execute(&StopToken::default())?)
}

fn failure(result: RunResult) -> Option<SessionError> {
    result.errors_detail.into_iter().next()
}

fn used_by(workers: &[u32]) -> Option<Usage> {
    match workers {
        [worker] => Usage::of(*worker),
        _ => None,
    }
}

impl Usage {
    /// What a process uses now.
    #[cfg(target_os = "linux")]
    fn of(process: u32) -> Option<Self> {
        let folder = std::path::PathBuf::from(format!("/proc/{process}"));
        let entries = |name| Some(std::fs::read_dir(folder.join(name)).ok()?.count() as u64);
        let status = std::fs::read_to_string(folder.join("status")).ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = resident.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(Self {
            threads: entries("task")?,
            descriptors: entries("fd")?,
            memory: kilobytes << 10,
        })
    }

    /// Nothing tells what another process uses.
    #[cfg(not(target_os = "linux"))]
    fn of(_: u32) -> Option<Self> {
        None
    }
}
