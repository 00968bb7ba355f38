//! `session-host processors`.

use serde::Serialize;

use super::{Exit, arguments::ListOptions, output};
use crate::{
    config::Settings,
    plugins::{Catalogue, LoadOptions, PluginFile, PluginStatus, PluginTrust},
    state::{State, StateError},
};

/// A plugin's file as it is listed.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    file: String,
    status: &'static str,
    processor: Option<&'a str>,
    version: Option<&'a str>,
    cadence_minutes: Option<u32>,
    session_tables: &'a [String],
    reason: Option<&'a str>,
    details: Option<&'a str>,
    trace: &'a [String],
}

/// Lists what the plugins directory holds.
pub(super) fn list(settings: &Settings, trust: PluginTrust, options: &ListOptions) -> anyhow::Result<Exit> {
    let state = open_state(settings)?;
    let catalogue = Catalogue::load(&LoadOptions {
        folder: &settings.plugins,
        data: &settings.data,
        trust,
        configurations: &settings.processors,
        state: state.as_ref(),
    })?;
    let listed: Vec<Listed<'_>> = catalogue.files().iter().map(listed).collect();
    if options.json {
        output::print_json(&listed)?;
        return Ok(Exit::Done);
    }
    let rows = listed.iter().map(|file| {
        [
            file.file.clone(),
            file.status.to_owned(),
            file.processor.unwrap_or_default().to_owned(),
            file.version.unwrap_or_default().to_owned(),
            file.cadence_minutes
                .map(|minutes| format!("every {minutes}m"))
                .unwrap_or_default(),
            file.reason.unwrap_or_default().to_owned(),
        ]
    });
    output::print(output::table(
        ["file", "status", "processor", "version", "cadence", "reason"],
        rows,
    ))?;
    Ok(Exit::Done)
}

/// Opens the state, so that migrations are checked too; without it where another process has it.
fn open_state(settings: &Settings) -> anyhow::Result<Option<State>> {
    match State::open(&settings.state) {
        Ok(state) => Ok(Some(state)),
        Err(error @ StateError::InUse { .. }) => {
            tracing::warn!("{error}; the plugins' tables are not checked");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn listed(file: &PluginFile) -> Listed<'_> {
    let mut listed = Listed {
        file: file.path.display().to_string(),
        status: file.status.label(),
        processor: file.status.name().map(|name| name.as_str()),
        version: None,
        cadence_minutes: None,
        session_tables: &[],
        reason: None,
        details: None,
        trace: &file.trace,
    };
    match &file.status {
        PluginStatus::Loaded(processor) => {
            listed.version = Some(processor.package_version());
            listed.cadence_minutes = Some(processor.descriptor().cadence());
            listed.session_tables = processor.descriptor().session_tables();
        }
        PluginStatus::Unavailable { reason, .. } => listed.reason = Some(reason),
        PluginStatus::Rejected { reason, details } => {
            listed.reason = Some(reason);
            listed.details = details.as_deref();
        }
    }
    listed
}
