//! Requires the token for the admin interface.
//!
//! A web page in a browser on this machine, or one whose domain name resolves to the loopback, has no token, and browsers
//! send none by themselves. `Origin` and `Host` therefore need no check.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{answer::Refusal, service::Service};

/// Lets a request pass if it carries the token.
pub(super) async fn require_token(State(service): State<Service>, request: Request, next: Next) -> Response {
    match bearer(&request) {
        Some(given) if service.token().matches(given) => next.run(request).await,
        Some(_) => unauthorized("the token is wrong: this server has another one"),
        None => unauthorized(
            "this path requires the token, which `session-host token` prints: send the header `Authorization: Bearer TOKEN`",
        ),
    }
}

fn bearer(request: &Request) -> Option<&[u8]> {
    let value = request.headers().get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

fn unauthorized(detail: &str) -> Response {
    let mut response = Refusal::new(StatusCode::UNAUTHORIZED, detail).into_response();
    let challenge = HeaderValue::from_static("Bearer realm=\"session-host\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
