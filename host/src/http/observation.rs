//! Health and metrics, for monitors. Neither waits for a run, the writer or the disk.

use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    answer::{answer, json_answer},
    service::{OfService, Service},
};
use crate::{
    clock,
    health::{Health, Warning, WarningKind, of_this_host},
    metrics::CountedWarnings,
};

/// `GET /api/health`
pub(super) async fn health(State(service): OfService) -> Response {
    json_answer(StatusCode::OK, &current(&service))
}

/// `GET /metrics`
pub(super) async fn metrics(State(service): OfService) -> Response {
    let text = service.metrics.encode(warnings_of(&current(&service)));
    answer(StatusCode::OK, crate::metrics::CONTENT_TYPE, text)
}

/// The last observation, with what is known without a check: the runs under way, and warnings of the state, of this host
/// among others, of the queries and of the alerts.
pub(crate) fn current(service: &Service) -> Health {
    let (failed_runs, pauses) = (service.host.failed_runs(), service.host.pauses());
    let health = service.health.read(clock::now(), &failed_runs, &pauses);
    let health = health.with_runs(service.host.runs_under_way());
    let health = match service.host.state().ailment() {
        Some(ailment) => health.with_state(Warning::new(WarningKind::State, ailment.message)),
        None => health,
    };
    let of_this_host = service.host.cluster().map(|cluster| of_this_host(cluster));
    let health = of_this_host
        .into_iter()
        .flatten()
        .fold(health, |health, warning| match warning.kind {
            // The state and this connection have the same cause.
            WarningKind::State => health.with_state(warning),
            _ => health.with_warning(warning),
        });
    let health = match service.queries.trouble() {
        Some(trouble) => health.with_warning(Warning::new(WarningKind::State, trouble)),
        None => health,
    };
    let alerts = service.alerts.warnings().into_iter();
    alerts.fold(health, |health, alert| {
        health.with_warning(Warning::new(WarningKind::Alert, alert))
    })
}

/// The number of warnings of every kind, including 0, so that alerts see them end.
pub(super) fn warnings_of(health: &Health) -> Vec<CountedWarnings> {
    let counted = |kind: WarningKind, processor: Option<&String>, warnings: &[Warning]| CountedWarnings {
        kind: kind.as_str(),
        processor: processor.cloned(),
        count: warnings.iter().filter(|warning| warning.kind == kind).count() as u64,
    };
    let of_service = WarningKind::OF_THE_SERVICE.into_iter();
    let mut found: Vec<CountedWarnings> = of_service.map(|kind| counted(kind, None, &health.warnings)).collect();
    for (name, processor) in &health.processors {
        let of_processor = WarningKind::OF_PROCESSORS.into_iter();
        found.extend(of_processor.map(|kind| counted(kind, Some(name), &processor.warnings)));
    }
    found
}
