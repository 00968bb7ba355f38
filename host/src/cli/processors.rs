//! `session-host processors`.

use std::fs;

use anyhow::Context;
use serde::Deserialize;
use tempfile::TempDir;

use super::{
    Exit,
    arguments::ProcessorsOptions,
    output,
    server::{Access, open_or_ask},
};
use crate::{
    config::Settings,
    journal::ISOLATED_FILE,
    own_files,
    plugins::{
        Catalogue, Claims, LoadOptions, Pinning, PluginListing, PluginTrust, RejectedReport, TRIALS_FILE, Tables,
        TriedReports,
    },
    state::{Reader, State, StateError},
};

/// Lists the files of the plugins directory and their status, here or from the server that holds the state.
pub(super) fn list(settings: &Settings, trust: PluginTrust, options: &ProcessorsOptions) -> anyhow::Result<Exit> {
    let listed = match open_or_ask(settings, || Reader::look_at_place(&settings.state)) {
        Ok(Access::Here(reader)) => load(settings, trust, reader.as_ref())?,
        Ok(Access::Server(server)) => server.get::<Plugins>("/api/admin/processors")?.processors,
        Err(error) if matches!(error.downcast_ref(), Some(StateError::InUse { .. })) => {
            tracing::warn!("{error}; the command does not check the plugins' tables");
            load(settings, trust, None)?
        }
        Err(error) => return Err(error),
    };
    print(listed, options)
}

#[derive(Deserialize)]
struct Plugins {
    processors: Vec<PluginListing>,
}

fn load(settings: &Settings, trust: PluginTrust, state: Option<&Reader>) -> anyhow::Result<Vec<PluginListing>> {
    let pauses = state.map(Reader::pauses).transpose()?.unwrap_or_default();
    look(settings, trust, state, Some(&settings.pinning), |catalogue| {
        PluginListing::all(catalogue, &pauses)
    })
}

/// Loads the plugins for inspection, from temporary copies, so that nothing is written to the host's data directory; returns
/// what `inspect` makes of them.
pub(super) fn look<T>(
    settings: &Settings,
    trust: PluginTrust,
    state: Option<&Reader>,
    pinning: Option<&Pinning>,
    inspect: impl FnOnce(&Catalogue) -> T,
) -> anyhow::Result<T> {
    let folder = inspection_folder(settings)?;
    let scratch = State::open(&folder.path().join("look.duckdb"))?;
    let catalogue = Catalogue::load(&LoadOptions {
        folder: settings.plugins()?,
        data: folder.path(),
        trust,
        pinning,
        disabled: &settings.disabled_plugins,
        configurations: &settings.processors,
        isolation: &settings.isolation,
        tables: Tables::LookedAt {
            state,
            scratch: &scratch,
        },
        reports: TriedReports::All,
        claims: &Claims::default(),
        only: None,
        claimed: None,
    })?;
    Ok(inspect(&catalogue))
}

/// Loads the plugins for one report of this state, as `look` does. With `only`, it leaves the files out that are known to
/// hold another processor.
pub(super) fn look_for_report<T>(
    settings: &Settings,
    trust: PluginTrust,
    state: &Reader,
    only: Option<&str>,
    inspect: impl FnOnce(&Catalogue) -> T,
) -> anyhow::Result<T> {
    let folder = inspection_folder(settings)?;
    let catalogue = Catalogue::load(&LoadOptions {
        folder: settings.plugins()?,
        data: folder.path(),
        trust,
        pinning: Some(&settings.pinning),
        disabled: &settings.disabled_plugins,
        configurations: &settings.processors,
        isolation: &settings.isolation,
        tables: Tables::Compared(state),
        reports: TriedReports::None,
        claims: &Claims::default(),
        only,
        claimed: None,
    })?;
    Ok(inspect(&catalogue))
}

/// A temporary folder in the place of the data directory, with what the data directory knows of plugins.
fn inspection_folder(settings: &Settings) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir().context("cannot create a folder to inspect the plugins")?;
    // A plugin that ended the host must not end this command; without the list it may. A library that has passed its
    // trial needs no other one; without the list it gets one.
    for known in [ISOLATED_FILE, TRIALS_FILE] {
        let list = own_files::read(&settings.data.join(known), u64::MAX);
        let _ = list.and_then(|list| fs::write(folder.path().join(known), list));
    }
    Ok(folder)
}

/// Why a file is not in service, and why reports of it cannot be run.
fn reason(of_file: Option<String>, reports: &[RejectedReport]) -> String {
    let of_reports = reports.iter().map(|rejected| {
        let RejectedReport { report, reason } = rejected;
        format!("the report {report} is rejected: {reason}")
    });
    of_file.into_iter().chain(of_reports).collect::<Vec<_>>().join("; ")
}

fn print(listed: Vec<PluginListing>, options: &ProcessorsOptions) -> anyhow::Result<Exit> {
    if options.json {
        output::print_json(&listed)?;
        return Ok(Exit::Done);
    }
    let rows = listed.into_iter().map(|file| {
        let status = match &file.paused {
            Some(_) => format!("{}, paused", file.status),
            None => file.status.into_owned(),
        };
        let paused = file.paused.map(|pause| pause.to_string());
        [
            file.file,
            status,
            file.processor.unwrap_or_default(),
            file.version.unwrap_or_default(),
            file.cadence_minutes
                .map(|minutes| format!("every {minutes}m"))
                .unwrap_or_default(),
            file.isolation.unwrap_or_default(),
            reason(file.reason.or(paused), &file.rejected_reports),
        ]
    });
    let header = [
        "file",
        "status",
        "processor",
        "version",
        "cadence",
        "isolation",
        "reason",
    ];
    let mut table = output::table(header, rows);
    output::hide_idle_columns(&mut table, &["reason"]);
    output::let_columns_give_way(&mut table, &["isolation", "cadence", "version"]);
    output::print(table)?;
    Ok(Exit::Done)
}
