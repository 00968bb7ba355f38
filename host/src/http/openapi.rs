//! The description of the interface, in the form of OpenAPI.
//!
//! It is written by hand, because most of it is text for people. A test compares its paths, methods and statuses with the
//! table of routes.

use axum::{http::StatusCode, response::Response};

use super::answer::answer;

/// The description. A test compares it with the table of routes.
pub(super) const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /api/openapi.json`
pub(super) async fn document() -> Response {
    answer(StatusCode::OK, "application/json", DOCUMENT)
}
