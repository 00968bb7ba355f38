//! Asks for a report, as `GET /api/reports/NAME` does, and with the same row in the audit log.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::sync::oneshot;

use crate::{
    http::{
        answer::Refusal,
        audit::recorded,
        paths,
        reading::{QUERY_LIMITS, in_time},
        reports::note,
    },
    reports::{self, AskedReport, ReportResult},
    web::{entry::visitor::Visitor, state::Web},
};

/// The answer to the report of this name, asked for this by a visitor.
pub(super) async fn answer(
    web: &Web,
    visitor: &Visitor,
    name: &str,
    asked: AskedReport,
) -> Result<ReportResult, Refusal> {
    let (sender, receiver) = oneshot::channel();
    let (service, name) = (web.service.clone(), name.to_owned());
    let answering = async move {
        let note = note(&name, &asked);
        let host = service.host.clone();
        let result = in_time(&service, move |reader| {
            let (catalogue, settings) = (host.catalogue(), host.settings());
            Ok(reports::run(&catalogue, settings, reader, &name, &asked, QUERY_LIMITS)?)
        });
        let result = result.await;
        let mut response = told(&result);
        response.extensions_mut().insert(note);
        // The visitor may have left.
        let _ = sender.send(result);
        response
    };
    let recorded = recorded(&web.service, visitor.actor.clone(), paths::REPORT.to_owned(), answering).await;
    let status = recorded.status();
    let failed = |_| Err(Refusal::new(status, "the report has no answer: see the log"));
    receiver.await.unwrap_or_else(failed)
}

/// What the audit log says of the result.
fn told(result: &Result<ReportResult, Refusal>) -> Response {
    match result {
        Ok(_) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.clone().into_response(),
    }
}
