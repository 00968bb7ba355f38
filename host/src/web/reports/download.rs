//! The answer to a report as a file.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use super::answer::answer;
use crate::{
    http::answer::{Refusal, answer as answered, json_answer},
    reports::ReportResult,
    web::{asked::asked, entry::visitor::Visitor, state::Web},
};

/// `GET /reports/NAME/json`: the same as `GET /api/reports/NAME`.
pub(in crate::web) async fn json(
    State(web): State<Web>,
    Path(name): Path<String>,
    visitor: Visitor,
    uri: Uri,
) -> Response {
    match result(&web, &visitor, &name, &uri).await {
        Ok(result) => as_file(json_answer(StatusCode::OK, &result), &result, "json"),
        Err(refusal) => refusal.into_response(),
    }
}

/// `GET /reports/NAME/csv`: the same as `session-host report NAME --csv`.
pub(in crate::web) async fn csv(
    State(web): State<Web>,
    Path(name): Path<String>,
    visitor: Visitor,
    uri: Uri,
) -> Response {
    let result = match result(&web, &visitor, &name, &uri).await {
        Ok(result) => result,
        Err(refusal) => return refusal.into_response(),
    };
    match result.as_csv() {
        Ok(bytes) => as_file(
            answered(StatusCode::OK, "text/csv; charset=utf-8", bytes),
            &result,
            "csv",
        ),
        Err(error) => Refusal::internal(error).into_response(),
    }
}

async fn result(web: &Web, visitor: &Visitor, name: &str, uri: &Uri) -> Result<ReportResult, Refusal> {
    answer(web, visitor, name, asked(uri)?).await
}

/// Tells the browser to save the answer. The name of a report has only plain letters.
fn as_file(mut response: Response, result: &ReportResult, extension: &str) -> Response {
    let saved = format!("attachment; filename=\"{}.{extension}\"", result.report);
    if let Ok(saved) = HeaderValue::try_from(saved) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, saved);
    }
    response
}
