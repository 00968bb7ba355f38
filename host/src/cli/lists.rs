//! The lists: progress, runs, failures; read here or from the server that holds the state.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Exit,
    arguments::{FailuresOptions, ListOptions, RunsOptions},
    inspect_state::{processor_name, reader},
    output::{self, Lines},
    server::{Access, target},
};
use crate::{
    alerts::{self, AlertListing},
    clock,
    config::Settings,
    host::{StatusListing, Waiting},
    names::ProcessorName,
    runner::{Retries, backlog},
    sessions::Scan,
    state::{AuditEntry, Failure, ProcessorStatus, Reader, by_cause},
};

#[derive(Deserialize)]
struct Statuses {
    processors: Vec<StatusListing>,
    #[serde(default)]
    alerts: Vec<AlertListing>,
}

/// Shows the progress of each processor, and its run under way.
pub(super) fn status(settings: &Settings, options: &ListOptions) -> anyhow::Result<Exit> {
    let (status, alerts) = match reader(settings)? {
        Access::Here(reader) => {
            let statuses = reader.status()?;
            let waiting = waiting(settings, &reader, &statuses)?;
            // This process holds the state, so no other run is under way.
            let listed = StatusListing::all(statuses, &waiting, &reader.pauses()?, BTreeMap::new());
            (listed, alerts::active(&reader)?)
        }
        Access::Server(server) => {
            let Statuses { processors, alerts } = server.get("/api/admin/status")?;
            (processors, alerts)
        }
    };
    if options.json {
        output::print_json(&status)?;
        return Ok(Exit::Done);
    }
    let header = [
        "processor",
        "sessions",
        "items",
        "backlog",
        "failing",
        "waiting",
        "quarantined",
        "unrecognised",
        "unreadable lines",
        "last processed",
        "last run",
        "outcome",
        "running",
        "paused",
    ];
    let mut table = output::table(header, status.into_iter().map(status_row));
    let usually_empty = [
        "backlog",
        "failing",
        "waiting",
        "quarantined",
        "unrecognised",
        "unreadable lines",
        "running",
        "paused",
    ];
    output::hide_idle_columns(&mut table, &usually_empty);
    output::let_columns_give_way(&mut table, &["last processed", "items", "outcome"]);
    output::print(table)?;
    for alert in alerts {
        output::print(format!("alert since {}: {}", to_seconds(alert.fired_at), alert.text))?;
    }
    Ok(Exit::Done)
}

fn status_row(listed: StatusListing) -> [String; 14] {
    let StatusListing {
        status,
        backlog,
        waiting,
        quarantined,
        paused,
        run,
    } = listed;
    let counted = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    [
        status.processor,
        status.sessions.to_string(),
        status.items.to_string(),
        counted(backlog),
        status.failing.to_string(),
        counted(waiting),
        counted(quarantined),
        status.unrecognised.to_string(),
        status.unreadable_lines.to_string(),
        to_seconds(status.last_processed_at.unwrap_or_default()),
        to_seconds(status.last_run_at.unwrap_or_default()),
        status.last_outcome.unwrap_or_default(),
        run.map(|run| format!("{} of {}", run.settled, run.scanned))
            .unwrap_or_default(),
        paused
            .map(|pause| pause.reason.unwrap_or(pause.paused_at))
            .unwrap_or_default(),
    ]
}

/// The sessions that wait of each processor that the state knows. The plugins are not loaded: the sessions processed last
/// tell the version of their output, and failing sessions failed with the plugin in service.
fn waiting(
    settings: &Settings,
    reader: &Reader,
    statuses: &[ProcessorStatus],
) -> anyhow::Result<BTreeMap<String, Waiting>> {
    let Ok(scanner) = settings.scanner() else {
        return Ok(BTreeMap::new());
    };
    let Scan { transcripts, .. } = match scanner.scan() {
        Ok(scan) => scan,
        Err(error) => {
            tracing::warn!("the backlog is unknown: {error}");
            return Ok(BTreeMap::new());
        }
    };
    let mut found = BTreeMap::new();
    for status in statuses {
        let processor = processor_name(&status.processor)?;
        let states = reader.sessions(&processor)?;
        let retries = Retries {
            failing: &reader.failing(&processor)?,
            policy: &settings.limits.retry,
            plugin: None,
            now: clock::now(),
        };
        let output_version = states.values().filter_map(|state| state.output_version).max();
        let backlog = backlog(&transcripts, &states, output_version.unwrap_or(0), &retries);
        let waiting = Waiting {
            backlog: backlog.sessions,
            waiting: backlog.waiting,
            quarantined: backlog.quarantined,
        };
        found.insert(status.processor.clone(), waiting);
    }
    Ok(found)
}

/// A list of failures or of their causes, as far as it is asked for.
#[derive(Deserialize)]
struct Listed<T> {
    #[serde(alias = "failures", alias = "causes")]
    entries: Vec<T>,
    total: usize,
}

impl<T: DeserializeOwned> Listed<T> {
    /// Makes it of all failures, or asks the server for it.
    fn read(
        settings: &Settings,
        route: &str,
        options: &FailuresOptions,
        of_failures: impl FnOnce(Vec<Failure>) -> Vec<T>,
    ) -> anyhow::Result<Self> {
        let processor = options.processor.as_deref().map(processor_name).transpose()?;
        let mut listed = match reader(settings)? {
            Access::Here(reader) => {
                let entries = of_failures(reader.failures(processor.as_ref(), settings.limits.retry.max_attempts)?);
                let total = entries.len();
                Self { entries, total }
            }
            Access::Server(server) => {
                let limit = options.limit.to_string();
                let processor = processor.as_ref().map(ProcessorName::as_str);
                server.get(&target(route, &[("processor", processor), ("limit", Some(&limit))]))?
            }
        };
        listed.entries.truncate(options.limit as usize);
        Ok(listed)
    }
}

/// Lists failures by cause, or each failing session.
pub(super) fn failures(settings: &Settings, options: &FailuresOptions) -> anyhow::Result<Exit> {
    match options.all {
        true => failing_sessions(settings, options),
        false => causes(settings, options),
    }
}

fn causes(settings: &Settings, options: &FailuresOptions) -> anyhow::Result<Exit> {
    let listed = Listed::read(settings, "/api/admin/failure-causes", options, by_cause)?;
    let (causes, total) = (listed.entries, listed.total);
    if options.json {
        output::print_json(&causes)?;
        return Ok(Exit::Done);
    }
    if causes.is_empty() {
        output::print("no session is failing")?;
        return Ok(Exit::Done);
    }
    let left = total - causes.len();
    let header = [
        "sessions",
        "quarantined",
        "processor",
        "kind",
        "first and last failed",
        "error",
    ];
    let rows = causes.into_iter().map(|cause| -> [Lines; 6] {
        [
            cause.sessions.to_string().into(),
            cause.quarantined.to_string().into(),
            cause.processor.into(),
            cause.kind.into(),
            [to_seconds(cause.first_failed_at), to_seconds(cause.last_failed_at)].into(),
            [cause.error, format!("for example {}", cause.example)].into(),
        ]
    });
    let mut table = output::fitted_table(header, rows);
    output::hide_idle_columns(&mut table, &["quarantined"]);
    output::print(table)?;
    tell_of_more(left, "causes", options)
}

fn failing_sessions(settings: &Settings, options: &FailuresOptions) -> anyhow::Result<Exit> {
    let listed = Listed::read(settings, "/api/admin/failures", options, |failures| failures)?;
    let (failures, total) = (listed.entries, listed.total);
    if options.json {
        output::print_json(&failures)?;
        return Ok(Exit::Done);
    }
    let left = total - failures.len();
    let header = [
        "session",
        "processor",
        "attempts",
        "quarantined",
        "kind",
        "last failed",
        "error",
    ];
    let rows = failures.into_iter().map(|failure| {
        [
            failure.session,
            failure.processor,
            failure.attempts.to_string(),
            if failure.quarantined { "yes" } else { "" }.to_owned(),
            failure.kind,
            to_seconds(failure.last_failed_at),
            failure.error,
        ]
    });
    let mut table = output::fitted_table(header, rows);
    output::hide_idle_columns(&mut table, &["quarantined"]);
    output::print(table)?;
    tell_of_more(left, "sessions", options)
}

fn tell_of_more(left: usize, what: &str, options: &FailuresOptions) -> anyhow::Result<Exit> {
    if left > 0 {
        let all = left + options.limit as usize;
        output::print(format!("and {left} more {what}: --limit {all} shows them"))?;
    }
    Ok(Exit::Done)
}

#[derive(Deserialize)]
struct Runs {
    runs: Vec<AuditEntry>,
}

/// Lists the latest runs.
pub(super) fn runs(settings: &Settings, options: &RunsOptions) -> anyhow::Result<Exit> {
    let entries = match reader(settings)? {
        Access::Here(reader) => reader.runs(options.limit)?,
        Access::Server(server) => {
            let limit = options.limit.to_string();
            server
                .get::<Runs>(&target("/api/admin/runs", &[("limit", Some(&limit))]))?
                .runs
        }
    };
    if options.json {
        output::print_json(&entries)?;
        return Ok(Exit::Done);
    }
    let header = [
        "when",
        "actor",
        "processor",
        "result",
        "ms",
        "processed",
        "errors",
        "why",
    ];
    let rows = entries.into_iter().map(|entry| {
        let counter = |name: &str| entry.params.get(name).map(ToString::to_string).unwrap_or_default();
        let (processed, errors, why) = (counter("processed"), counter("errors"), why(&entry));
        let processor = entry.action.split_once(':').map(|(_, name)| name.to_owned());
        [
            to_seconds(entry.timestamp),
            entry.actor,
            processor.unwrap_or_default(),
            entry.result,
            entry.duration_ms.to_string(),
            processed,
            errors,
            why,
        ]
    });
    let mut table = output::table(header, rows);
    output::let_columns_give_way(&mut table, &["actor", "ms"]);
    output::print(table)?;
    Ok(Exit::Done)
}

/// Why a run or its first failing session failed: the first line of the error.
fn why(entry: &AuditEntry) -> String {
    const TOLD: usize = 200;
    let params = &entry.params;
    let of_run = params["detail"].as_str();
    let of_session = || params["errors_detail"][0]["error"].as_str();
    let line = of_run.or_else(of_session).and_then(|error| error.lines().next());
    if let Some(line) = line {
        return line[..line.floor_char_boundary(TOLD)].to_owned();
    }
    match params["unreadable"].as_u64() {
        None | Some(0) => String::new(),
        Some(unreadable) => format!("{unreadable} files or folders cannot be read"),
    }
}

/// A time as the state writes it, without fractions of a second.
pub(super) fn to_seconds(mut time: String) -> String {
    if let Some(point) = time.find('.') {
        time.truncate(point);
    }
    time
}
