//! Requires the token for the admin interface.
//!
//! A web page in a browser on this machine, or one whose domain name resolves to the loopback, has no token, and browsers
//! send none by themselves. `Origin` and `Host` therefore need no check.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{answer::Refusal, service::Service};
use crate::{config::Role, state::Actor};

/// Lets a request pass if it carries a token. A viewer may only read.
pub(super) async fn require_token(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    let holder = bearer(&request).map(|given| service.holder_of(given).map(|holder| (holder.role(), holder.actor())));
    match holder {
        Some(Some((Role::Viewer, _))) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            Refusal::new(StatusCode::FORBIDDEN, VIEWER).into_response()
        }
        Some(Some((_, actor))) => {
            request.extensions_mut().insert(Caller(actor));
            next.run(request).await
        }
        Some(None) => unauthorized("the token is wrong: this server has another one"),
        None => unauthorized(
            "this path requires the token, which `session-host token` prints: send the header `Authorization: Bearer TOKEN`",
        ),
    }
}

/// Whoever sent a request, as the audit log names them.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Actor);

/// No request without a caller reaches a handler that asks for one.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Refusal::internal("nobody has checked who sent the request"))
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
