//! The reports of processors.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    answer::{Refusal, json_answer},
    audit::Note,
    background::in_background,
    parameters::Parameters,
    reading::{QUERY_LIMITS, report_in_time},
    service::OfService,
};
use crate::reports::{self, AskedReport, ReportError, SessionsError};

/// `GET /api/reports`: the reports of the loaded processors.
pub(super) async fn list(State(service): OfService) -> Response {
    let (status, body) = in_background(&service, |host| {
        Ok(json!({"reports": reports::list(&host.catalogue())}))
    })
    .await;
    json_answer(status, &body)
}

/// `GET /api/reports/NAME?since=&until=&last=&timezone=&username=&project=&order=&limit=`: the answer to a report.
pub(super) async fn report(
    State(service): OfService,
    name: Result<Path<String>, PathRejection>,
    Parameters(asked): Parameters<AskedReport>,
) -> Response {
    let name = match name {
        Ok(Path(name)) => name,
        Err(rejection) => return Refusal::bad_request(rejection.body_text()).into_response(),
    };
    let (host, note) = (service.host.clone(), note(&name, &asked));
    let answered = report_in_time(&service, move |reader| {
        let (catalogue, settings) = (host.catalogue(), host.settings());
        let result = reports::run(&catalogue, settings, reader, &name, &asked, QUERY_LIMITS)?;
        Ok(json_answer(StatusCode::OK, &result))
    });
    let mut response = answered.await.unwrap_or_else(IntoResponse::into_response);
    response.extensions_mut().insert(note);
    response
}

/// What the audit log says of a report: its name, and what it was asked for.
pub(crate) fn note(name: &str, asked: &AskedReport) -> Note {
    let mut params = json!(asked);
    if let Some(members) = params.as_object_mut() {
        members.retain(|_, value| !value.is_null());
        members.insert("report".to_owned(), json!(name));
    }
    Note::Action {
        action: "report".to_owned(),
        resource: "state".to_owned(),
        params,
    }
}

impl From<ReportError> for Refusal {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Query(error) => error.into(),
            unknown @ ReportError::Unknown { .. } => Self::not_found(unknown),
            error => Self::bad_request(error),
        }
    }
}

impl From<SessionsError> for Refusal {
    fn from(error: SessionsError) -> Self {
        match error {
            SessionsError::Query(error) => error.into(),
            error => Self::bad_request(error),
        }
    }
}
