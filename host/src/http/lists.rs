//! The lists: progress, candidates, runs, failures.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    answer::{Refusal, json_answer},
    background::{in_background, reading},
    parameters::{Parameters, processor_name},
    service::OfService,
};
use crate::{
    alerts, clock,
    host::{NotBegun, StatusListing, Waiting},
    state::by_cause,
};

/// The maximum number of entries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    limit: Option<u32>,
}

/// The processor whose failures are listed, all if none is named; and the maximum number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhichFailures {
    processor: Option<String>,
    limit: Option<u32>,
}

/// How many entries are listed by default, and at most.
struct Bounds {
    usual: u32,
    most: u32,
}

const RUNS: Bounds = Bounds { usual: 20, most: 1000 };
const FAILURES: Bounds = Bounds {
    usual: 1000,
    most: 10_000,
};
const CAUSES: Bounds = Bounds { usual: 20, most: 1000 };

impl Bounds {
    fn checked(&self, asked: Option<u32>) -> Result<u32, Refusal> {
        match asked.unwrap_or(self.usual) {
            limit if limit == 0 || limit > self.most => {
                Err(Refusal::bad_request(format!("limit must be 1 to {}", self.most)))
            }
            limit => Ok(limit),
        }
    }
}

/// `GET /api/admin/status`: the progress of each processor, and its run under way.
pub(super) async fn status(State(service): OfService) -> Response {
    let host = service.host.clone();
    let pauses = host.pauses();
    let health = service.health.read(clock::now(), &host.failed_runs(), &pauses);
    let observed: BTreeMap<String, Waiting> = health
        .processors
        .into_iter()
        .map(|(name, processor)| {
            let waiting = Waiting {
                backlog: processor.backlog,
                waiting: processor.waiting,
                quarantined: processor.quarantined,
            };
            (name, waiting)
        })
        .collect();
    let (status, body) = reading(&service, move |reader| {
        let state = host.state().place();
        let processors = StatusListing::all(reader.status()?, &observed, &pauses, host.runs_under_way());
        Ok(json!({"state": state, "processors": processors, "alerts": alerts::active(reader)?}))
    })
    .await;
    json_answer(status, &body)
}

/// The processor whose candidates are listed, all if none is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhoseCandidates {
    processor: Option<String>,
}

/// `GET /api/admin/candidates?processor=NAME`: what a run of each processor would attempt now.
pub(super) async fn candidates(State(service): OfService, Parameters(asked): Parameters<WhoseCandidates>) -> Response {
    let (status, body) = in_background(&service, move |host| {
        let names: Vec<String> = asked.processor.into_iter().collect();
        let processors = host.processors(&names).map_err(NotBegun::from)?;
        Ok(json!({"candidates": host.preview(&processors)?}))
    })
    .await;
    json_answer(status, &body)
}

/// `GET /api/admin/runs?limit=N`: the latest runs.
pub(super) async fn runs(State(service): OfService, Parameters(asked): Parameters<Limit>) -> Response {
    let limit = match RUNS.checked(asked.limit) {
        Ok(limit) => limit,
        Err(refusal) => return refusal.into_response(),
    };
    let (status, body) = reading(&service, move |reader| Ok(json!({"runs": reader.runs(limit)?}))).await;
    json_answer(status, &body)
}

/// `GET /api/admin/failures?processor=NAME&limit=N`: the failing sessions.
pub(super) async fn failures(State(service): OfService, Parameters(asked): Parameters<WhichFailures>) -> Response {
    let max_attempts = service.host.settings().limits.retry.max_attempts;
    let (status, body) = reading(&service, move |reader| {
        let limit = FAILURES.checked(asked.limit)?;
        let processor = asked.processor.as_deref().map(processor_name).transpose()?;
        let mut failures = reader.failures(processor.as_ref(), max_attempts)?;
        let total = failures.len();
        failures.truncate(limit as usize);
        Ok(json!({"failures": failures, "total": total}))
    })
    .await;
    json_answer(status, &body)
}

/// `GET /api/admin/failure-causes?processor=NAME&limit=N`: failures by cause.
pub(super) async fn failure_causes(
    State(service): OfService,
    Parameters(asked): Parameters<WhichFailures>,
) -> Response {
    let max_attempts = service.host.settings().limits.retry.max_attempts;
    let (status, body) = reading(&service, move |reader| {
        let limit = CAUSES.checked(asked.limit)?;
        let processor = asked.processor.as_deref().map(processor_name).transpose()?;
        let mut causes = by_cause(reader.failures(processor.as_ref(), max_attempts)?);
        let total = causes.len();
        causes.truncate(limit as usize);
        Ok(json!({"causes": causes, "total": total}))
    })
    .await;
    json_answer(status, &body)
}
