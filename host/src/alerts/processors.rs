//! Processors that fail: the host rejects their files, they are unavailable, or every attempt fails.

use session_plugin_api::abi::capped;

use super::condition::Condition;
use crate::{
    host::Host,
    plugins::{PluginFile, PluginStatus, Processor},
    state::{AlertKind, Reader, StateError},
};

/// The processors that fail now.
///
/// # Errors
/// When the state cannot be read.
pub(super) fn failing(host: &Host, reader: &Reader) -> Result<Vec<Condition>, StateError> {
    let mut found = Vec::new();
    for file in host.catalogue().files() {
        found.extend(of(host, reader, file)?);
    }
    Ok(found)
}

fn of(host: &Host, reader: &Reader, file: &PluginFile) -> Result<Option<Condition>, StateError> {
    Ok(match &file.status {
        PluginStatus::Rejected { reason, .. } => {
            let name = file.name();
            let text = format!("the plugin {name} is rejected: {}", capped(reason.clone()));
            Some(condition(&name, text))
        }
        // Nobody wants a processor to run that needs a configuration and has none.
        PluginStatus::Unavailable { name, reason } if host.settings().processors.contains_key(name.as_str()) => {
            let text = format!("processor {name} is unavailable: {}", capped(reason.clone()));
            Some(condition(name.as_str(), text))
        }
        PluginStatus::Loaded(processor) => {
            let text = match file.status.cannot_start() {
                Some(reason) => Some(format!(
                    "processor {} is unavailable: {}",
                    processor.name(),
                    capped(reason)
                )),
                None => failure(host, reader, processor)?,
            };
            text.map(|text| condition(processor.name().as_str(), text))
        }
        _ => None,
    })
}

/// How a processor fails that can run. Errors may quote transcripts, so no text has one.
fn failure(host: &Host, reader: &Reader, processor: &Processor) -> Result<Option<String>, StateError> {
    let name = processor.name();
    if host.failed_runs().contains_key(name.as_str()) {
        let text = format!("the last run of processor {name} failed: `session-host runs` tells why");
        return Ok(Some(text));
    }
    let began = host.run_under_way(name).map(|run| run.started_at);
    let all_failed = reader.all_failed(name, began)?;
    Ok(all_failed.map(|failed| {
        let sessions = failed.sessions;
        format!(
            "every attempt of processor {name} fails ({sessions} sessions): `session-host failures {name}` tells why"
        )
    }))
}

fn condition(name: &str, text: String) -> Condition {
    Condition {
        key: format!("processor/{name}"),
        kind: AlertKind::Processor,
        scope: name.to_owned(),
        username: None,
        spent: None,
        text,
    }
}
