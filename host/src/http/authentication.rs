//! Requires the token for the admin interface.
//!
//! A web page in a browser on this machine, or one whose domain name resolves to the loopback, has no token, and browsers
//! send none by themselves. `Origin` and `Host` therefore need no check.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    answer::Refusal,
    service::{Service, TokenHolder},
};
use crate::config::Role;

/// Lets a request pass if it carries a token. A viewer may only read.
pub(super) async fn require_token(State(service): State<Service>, request: Request, next: Next) -> Response {
    let role = bearer(&request).map(|given| service.holder_of(given).map(TokenHolder::role));
    match role {
        Some(Some(Role::Admin)) => next.run(request).await,
        Some(Some(Role::Viewer)) if matches!(*request.method(), Method::GET | Method::HEAD) => next.run(request).await,
        Some(Some(Role::Viewer)) => Refusal::new(StatusCode::FORBIDDEN, VIEWER).into_response(),
        Some(None) => unauthorized("the token is wrong: this server has another one"),
        None => unauthorized(
            "this path requires the token, which `session-host token` prints: send the header `Authorization: Bearer TOKEN`",
        ),
    }
}

/// Why a viewer is refused.
pub(crate) const VIEWER: &str = "this token has the role `viewer`, which allows looking alone: use one of an admin";

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
