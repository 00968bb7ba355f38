//! Visitors: those whose cookie is a visit that has not ended.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    seal::{Purpose, is_seal, seal},
    ticket::Ticket,
};
use crate::{
    clock,
    config::ApiToken,
    http::answer::Refusal,
    web::{redirect::redirect, state::Web},
};

/// The name of the field with the secret of the visit.
pub(in crate::web) const SECRET: &str = "secret";

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub(in crate::web) struct Visitor {
    pub(super) ticket: Ticket,
    /// The secret of the pages of this visit, which every action carries.
    pub(in crate::web) secret: String,
}

impl Visitor {
    /// The visitor of a visit.
    pub(super) fn of(ticket: Ticket, token: &ApiToken) -> Self {
        let secret = seal(token, Purpose::Act, &ticket.number);
        Self { ticket, secret }
    }

    /// The visitor whose cookie this request carries.
    pub(super) fn find(web: &Web, headers: &HeaderMap) -> Option<Self> {
        let token = web.service.token();
        let name = cookie_name(&token);
        let ticket = cookies(headers).find_map(|(found, value)| {
            let value = (found == name).then_some(value)?;
            Ticket::open(value, &token, Purpose::Visit, clock::now())
        })?;
        (!web.memory.visits.has(&ticket)).then(|| Self::of(ticket, &token))
    }

    /// Whether the visit still lasts: the token is the same, its time has not ended, and nobody has signed out.
    pub(in crate::web) fn is_valid(&self, web: &Web) -> bool {
        let now = super::ticket::seconds(clock::now());
        let same_token = is_seal(&web.service.token(), Purpose::Act, &self.ticket.number, &self.secret);
        same_token && now < self.ticket.ends_at && !web.memory.visits.has(&self.ticket)
    }

    /// The number of the visit.
    pub(in crate::web) fn visit(&self) -> &str {
        &self.ticket.number
    }
}

/// Those who have not signed in are led to the form, and from there back.
impl FromRequestParts<Web> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        Self::find(web, &parts.headers).ok_or_else(|| to_sign_in(&parts.uri, &parts.headers))
    }
}

/// The answer to somebody who has not signed in.
pub(super) fn to_sign_in(uri: &Uri, headers: &HeaderMap) -> Response {
    if !headers.contains_key("hx-request") {
        let next: String = form_urlencoded::byte_serialize(uri.to_string().as_bytes()).collect();
        return redirect(&format!("/sign-in?next={next}"));
    }
    // A part of a page leads the whole page there.
    let mut response = Refusal::new(StatusCode::UNAUTHORIZED, "sign in again").into_response();
    response
        .headers_mut()
        .insert("hx-redirect", HeaderValue::from_static("/sign-in"));
    response
}

/// The name of the cookie of this service's visits.
pub(super) fn cookie_name(token: &ApiToken) -> String {
    let mut name = seal(token, Purpose::Name, "");
    name.truncate(8);
    format!("session-host-{name}")
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('='))
}
