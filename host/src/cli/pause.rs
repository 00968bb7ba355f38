//! `session-host pause` and `session-host resume`, here or through the server that holds the state.

use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};
use session_plugin_api::Timestamp;

use super::{
    Exit,
    arguments::{PauseOptions, ResumeOptions},
    inspect_state::{existing, processor_name},
    output,
    server::{Access, target},
};
use crate::{
    clock,
    config::Settings,
    host::{pause_in, resume_in},
    names::ProcessorName,
    state::{Actor, AuditRecord, Outcome, Pause, State, StateError},
};

#[derive(Deserialize)]
struct Paused {
    paused: Pause,
}

/// Pauses a processor.
pub(super) fn pause(settings: &Settings, options: &PauseOptions) -> anyhow::Result<Exit> {
    let processor = processor_name(&options.processor)?;
    let reason = options.reason.as_deref().filter(|reason| !reason.is_empty());
    let pause = match existing(settings)? {
        Access::Here(state) => {
            let began = (clock::now(), Instant::now());
            let pause = pause_in(&state, &processor, reason, &Actor::Cli)?;
            audit(&state, "pause", &processor, began, json!(pause))?;
            pause
        }
        Access::Server(server) => {
            let asked = [("processor", Some(processor.as_str())), ("reason", reason)];
            server
                .post::<Paused>(&target("/api/admin/pause", &asked), String::new())?
                .paused
        }
    };
    output::print(format!(
        "{processor} is {pause}; a run under way ends, and `session-host resume {processor}` lets the next one begin"
    ))?;
    Ok(Exit::Done)
}

/// Ends the pause of a processor.
pub(super) fn resume(settings: &Settings, options: &ResumeOptions) -> anyhow::Result<Exit> {
    let processor = processor_name(&options.processor)?;
    match existing(settings)? {
        Access::Here(state) => {
            let began = (clock::now(), Instant::now());
            resume_in(&state, &processor)?;
            audit(&state, "resume", &processor, began, Value::Null)?;
        }
        Access::Server(server) => {
            let asked = [("processor", Some(processor.as_str()))];
            server.post::<Value>(&target("/api/admin/resume", &asked), String::new())?;
        }
    }
    output::print(format!("{processor} is resumed: its next run begins when it is due"))?;
    Ok(Exit::Done)
}

/// Records the action as the server does.
fn audit(
    state: &State,
    verb: &str,
    processor: &ProcessorName,
    (started_at, began): (Timestamp, Instant),
    paused: Value,
) -> Result<(), StateError> {
    let (action, resource) = AuditRecord::names_of(verb, processor.as_str());
    state.audit(&AuditRecord {
        actor: Actor::Cli,
        action,
        resource,
        started_at,
        duration: began.elapsed(),
        outcome: Outcome::Success,
        params: json!({"processor": processor, "paused": paused}),
    })
}
