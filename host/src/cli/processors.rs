//! `session-host processors`.

use serde::Deserialize;

use super::{
    Exit,
    arguments::ListOptions,
    output,
    server::{Access, open_or_ask},
};
use crate::{
    config::Settings,
    plugins::{Catalogue, Claims, LoadOptions, PluginListing, PluginTrust},
    state::{State, StateError},
};

/// Lists what the plugins directory holds, or what the server that has the state made of it.
pub(super) fn list(settings: &Settings, trust: PluginTrust, options: &ListOptions) -> anyhow::Result<Exit> {
    let listed = match open_or_ask(settings, || State::open(&settings.state)) {
        Ok(Access::Here(state)) => load(settings, trust, Some(&state))?,
        Ok(Access::Server(server)) => server.get::<Plugins>("/api/admin/processors")?.processors,
        Err(error) if matches!(error.downcast_ref(), Some(StateError::InUse { .. })) => {
            tracing::warn!("{error}; the plugins' tables are not checked");
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

fn load(settings: &Settings, trust: PluginTrust, state: Option<&State>) -> anyhow::Result<Vec<PluginListing>> {
    let catalogue = Catalogue::load(&LoadOptions {
        folder: &settings.plugins,
        data: &settings.data,
        trust,
        configurations: &settings.processors,
        state,
        claims: &Claims::default(),
        claimed: None,
    })?;
    Ok(catalogue.files().iter().map(PluginListing::from).collect())
}

fn print(listed: Vec<PluginListing>, options: &ListOptions) -> anyhow::Result<Exit> {
    if options.json {
        output::print_json(&listed)?;
        return Ok(Exit::Done);
    }
    let rows = listed.into_iter().map(|file| {
        [
            file.file,
            file.status.into_owned(),
            file.processor.unwrap_or_default(),
            file.version.unwrap_or_default(),
            file.cadence_minutes
                .map(|minutes| format!("every {minutes}m"))
                .unwrap_or_default(),
            file.reason.unwrap_or_default(),
        ]
    });
    output::print(output::table(
        ["file", "status", "processor", "version", "cadence", "reason"],
        rows,
    ))?;
    Ok(Exit::Done)
}
