//! The commands that read or correct the state.

use std::{fs, io};

use super::{
    Exit,
    arguments::{
        ExportOptions, FailuresOptions, ForgetOptions, ListOptions, QueryFormat, QueryOptions, ReprocessOptions,
        RunsOptions,
    },
    output::{self, UsageError},
};
use crate::{
    config::Settings,
    names::{ProcessorName, SessionKey},
    state::{Reader, State, StateError},
};

/// Shows how far each processor is.
pub(super) fn status(settings: &Settings, options: &ListOptions) -> anyhow::Result<Exit> {
    let status = Reader::open(&settings.state)?.status()?;
    if options.json {
        output::print_json(&status)?;
        return Ok(Exit::Done);
    }
    let header = [
        "processor",
        "sessions",
        "items",
        "failing",
        "last processed",
        "last run",
        "outcome",
    ];
    let rows = status.into_iter().map(|processor| {
        [
            processor.processor,
            processor.sessions.to_string(),
            processor.items.to_string(),
            processor.failing.to_string(),
            processor.last_processed_at.unwrap_or_default(),
            processor.last_run_at.unwrap_or_default(),
            processor.last_outcome.unwrap_or_default(),
        ]
    });
    output::print(output::table(header, rows))?;
    Ok(Exit::Done)
}

/// Lists the sessions that fail.
pub(super) fn failures(settings: &Settings, options: &FailuresOptions) -> anyhow::Result<Exit> {
    let processor = options.processor.as_deref().map(processor_name).transpose()?;
    let failures = Reader::open(&settings.state)?.failures(processor.as_ref())?;
    if options.json {
        output::print_json(&failures)?;
        return Ok(Exit::Done);
    }
    let header = ["processor", "session", "attempts", "kind", "last failed", "error"];
    let rows = failures.into_iter().map(|failure| {
        [
            failure.processor,
            failure.session,
            failure.attempts.to_string(),
            failure.kind,
            failure.last_failed_at,
            failure.error,
        ]
    });
    output::print(output::table(header, rows))?;
    Ok(Exit::Done)
}

/// Lists the latest runs.
pub(super) fn runs(settings: &Settings, options: &RunsOptions) -> anyhow::Result<Exit> {
    let entries = Reader::open(&settings.state)?.runs(options.limit)?;
    if options.json {
        output::print_json(&entries)?;
        return Ok(Exit::Done);
    }
    let header = ["when", "actor", "action", "result", "ms", "processed", "errors"];
    let rows = entries.into_iter().map(|entry| {
        let counter = |name: &str| entry.params.get(name).map(ToString::to_string).unwrap_or_default();
        let (processed, errors) = (counter("processed"), counter("errors"));
        [
            entry.timestamp,
            entry.actor,
            entry.action,
            entry.result,
            entry.duration_ms.to_string(),
            processed,
            errors,
        ]
    });
    output::print(output::table(header, rows))?;
    Ok(Exit::Done)
}

/// Marks sessions to be processed again.
pub(super) fn reprocess(settings: &Settings, options: &ReprocessOptions) -> anyhow::Result<Exit> {
    let processor = processor_name(&options.processor)?;
    let session = options.session.as_deref().map(SessionKey::new);
    let state = open_existing(settings)?;
    let sessions = state.reprocess(&processor, session.as_ref())?;
    if sessions == 0 {
        let subject = session.map_or_else(|| "no session".to_owned(), |session| format!("no session {session}"));
        return Err(UsageError(format!(
            "processor {processor} has processed {subject}: see `session-host status`"
        ))
        .into());
    }
    output::print(format!(
        "{sessions} sessions of {processor} will be processed again at its next run"
    ))?;
    Ok(Exit::Done)
}

/// Runs read-only SQL.
pub(super) fn query(settings: &Settings, options: &QueryOptions) -> anyhow::Result<Exit> {
    let state = Reader::open(&settings.state)?.without_external_access()?;
    if options.format == QueryFormat::Json {
        for row in state.query_json(&options.sql)? {
            output::print(row)?;
        }
        return Ok(Exit::Done);
    }
    let found = state.query(&options.sql)?;
    let rows = found
        .rows
        .into_iter()
        .map(|row| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<String>>());
    match options.format {
        QueryFormat::Csv => {
            let mut csv = csv::Writer::from_writer(io::stdout().lock());
            csv.write_record(&found.columns)?;
            for row in rows {
                csv.write_record(row)?;
            }
            csv.flush()?;
        }
        QueryFormat::Table | QueryFormat::Json => output::print(output::grid(found.columns, rows))?,
    }
    Ok(Exit::Done)
}

/// Writes every table as a Parquet file.
pub(super) fn export(settings: &Settings, options: &ExportOptions) -> anyhow::Result<Exit> {
    let state = Reader::open(&settings.state)?;
    let folder = &options.folder;
    fs::create_dir_all(folder).map_err(|error| UsageError(format!("make the folder {}: {error}", folder.display())))?;
    for table in state.export(folder)? {
        output::print(folder.join(format!("{table}.parquet")).display())?;
    }
    Ok(Exit::Done)
}

/// Removes everything about a user or a session.
pub(super) fn forget(settings: &Settings, options: &ForgetOptions) -> anyhow::Result<Exit> {
    let forgotten = open_existing(settings)?.forget(&options.subject)?;
    if forgotten.is_nothing() {
        return Err(UsageError(format!("nothing is known of {}", options.subject)).into());
    }
    output::print(format!(
        "forgot {}: {} state rows, {} failures, {} rows of processors",
        options.subject, forgotten.states, forgotten.failures, forgotten.rows
    ))?;
    Ok(Exit::Done)
}

fn open_existing(settings: &Settings) -> Result<State, StateError> {
    match settings.state.exists() {
        true => State::open(&settings.state),
        false => Err(StateError::Missing {
            path: settings.state.clone(),
        }),
    }
}

fn processor_name(text: &str) -> Result<ProcessorName, UsageError> {
    text.parse()
        .map_err(|error: crate::names::InvalidProcessorName| UsageError(error.to_string()))
}
