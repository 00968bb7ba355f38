//! Runs of the server that holds the state: what they are to process, how far they are, and their results.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    progress::Counters,
    server::{Server, ServerError},
};
use crate::{
    host::RunListing,
    plugins::PluginListing,
    runner::{ProcessorPreview, RunResult},
};

/// What a server answers of its plugins.
#[derive(Deserialize)]
struct Plugins {
    processors: Vec<PluginListing>,
}

/// What a server answers of what runs would attempt.
#[derive(Deserialize)]
struct Candidates {
    candidates: Vec<ProcessorPreview>,
}

/// A server's answer to a run.
#[derive(Deserialize)]
struct Made {
    details: RunResult,
}

/// The server's plugins.
pub(super) fn plugins(server: &Server) -> Result<Vec<PluginListing>, ServerError> {
    Ok(server.get::<Plugins>("/api/admin/processors")?.processors)
}

/// Asks for a run, and waits for its result.
pub(super) fn make(server: &Server, target: &str) -> Result<RunResult, ServerError> {
    Ok(server.post::<Made>(target, String::new())?.details)
}

/// How many candidates the runs of these processors have; nothing is known if the server does not tell.
pub(super) fn expected(server: &Server, names: &[String]) -> Vec<u64> {
    let previews = server.get::<Candidates>("/api/admin/candidates");
    in_order(
        previews.map(|listed| listed.candidates).unwrap_or_default(),
        names.iter().map(String::as_str),
    )
}

/// How many candidates these processors have, in their order.
pub(super) fn in_order<'a>(previews: Vec<ProcessorPreview>, names: impl Iterator<Item = &'a str>) -> Vec<u64> {
    let of = |name| previews.iter().find(|preview| preview.processor == name);
    names
        .map(|name| of(name).map_or(0, |preview| preview.candidates.all.sessions))
        .collect()
}

/// The progress of a server's run, read from its health, because health calls leave no trace in the audit log.
pub(super) fn counters(server: &Server, processor: &str) -> Option<Counters> {
    let health: Watched = server.get("/api/health").ok()?;
    let run = health.processors.get(processor)?.run.as_ref()?;
    Some(Counters {
        scanned: run.scanned,
        ended: run.settled,
        bytes_read: run.bytes_read,
    })
}

/// The runs in a server's health.
#[derive(Deserialize)]
struct Watched {
    processors: BTreeMap<String, WatchedProcessor>,
}

#[derive(Deserialize)]
struct WatchedProcessor {
    run: Option<RunListing>,
}
