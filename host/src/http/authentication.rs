//! Who may call the admin interface: whoever has the token.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{answer::Refusal, service::Service};

/// Lets a request pass that bears the token; where none is configured, one of a program on this machine.
pub(super) async fn require_token(State(service): State<Service>, request: Request, next: Next) -> Response {
    let Some(token) = service.token() else {
        return match may_be_of_a_web_page(request.headers()) {
            true => Refusal::new(StatusCode::FORBIDDEN, FOREIGN).into_response(),
            false => next.run(request).await,
        };
    };
    match bearer(&request) {
        Some(given) if token.matches(given) => next.run(request).await,
        Some(_) => unauthorized("the token is not the one that this server has"),
        None => unauthorized("this needs the token: send the header `Authorization: Bearer TOKEN`"),
    }
}

const FOREIGN: &str = "without a token only programs on this machine are served, under the name localhost or a loopback address: configure a token";

/// A page in a browser on this machine reaches the loopback too, with an `Origin`, or under a name of its own that it
/// lets point there.
fn may_be_of_a_web_page(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    let is_loopback = authority.is_some_and(|authority| {
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    headers.contains_key(header::ORIGIN) || !is_loopback
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
