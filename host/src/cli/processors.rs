//! `session-host processors`.

use super::{Exit, arguments::ListOptions, output};
use crate::{
    config::Settings,
    plugins::{Catalogue, Claims, LoadOptions, PluginListing, PluginTrust},
    state::{State, StateError},
};

/// Lists what the plugins directory holds.
pub(super) fn list(settings: &Settings, trust: PluginTrust, options: &ListOptions) -> anyhow::Result<Exit> {
    let state = open_state(settings)?;
    let catalogue = Catalogue::load(&LoadOptions {
        folder: &settings.plugins,
        data: &settings.data,
        trust,
        configurations: &settings.processors,
        state: state.as_ref(),
        claims: &Claims::default(),
        claimed: None,
    })?;
    let listed: Vec<PluginListing> = catalogue.files().iter().map(PluginListing::from).collect();
    if options.json {
        output::print_json(&listed)?;
        return Ok(Exit::Done);
    }
    let rows = listed.into_iter().map(|file| {
        [
            file.file,
            file.status.to_owned(),
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
