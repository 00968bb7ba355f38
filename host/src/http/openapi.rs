//! The description of the interface, in the form of OpenAPI.
//!
//! It is written by hand, since words for people are most of it. A test of the table of routes holds its paths, methods and
//! statuses to what is served.

use axum::{http::StatusCode, response::Response};

use super::answer::answer;

/// The description, which a test holds to the table of routes.
pub(super) const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /api/openapi.json`
pub(super) async fn document() -> Response {
    answer(StatusCode::OK, "application/json", DOCUMENT)
}
