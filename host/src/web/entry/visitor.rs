//! Visitors: those whose cookie is a visit that has not ended.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    seal::{Key, Purpose, is_seal, seal},
    ticket::Ticket,
};
use crate::{
    clock,
    config::{ApiToken, NamedToken, Role},
    http::{TokenHolder, answer::Refusal},
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
    role: Role,
}

/// A token in force: what seals for it, and what its holder may do.
pub(super) struct Holder {
    pub(super) key: Key,
    role: Role,
}

impl Holder {
    /// The holder whose token this is.
    pub(super) fn of_token(web: &Web, given: &[u8]) -> Option<Self> {
        let main = web.service.token();
        Some(match web.service.holder_of(given)? {
            TokenHolder::Main => Self::main(&main),
            TokenHolder::Named(token) => Self::named(&main, token),
        })
    }

    /// The holder of the main token.
    pub(super) fn main(token: &ApiToken) -> Self {
        Self {
            key: Key::main(token),
            role: Role::Admin,
        }
    }

    fn named(main: &ApiToken, token: &NamedToken) -> Self {
        Self {
            key: Key::named(main, token),
            role: token.role,
        }
    }

    /// The holders of all tokens in force.
    fn all(web: &Web) -> Vec<Self> {
        let main = web.service.token();
        let named = web.service.host.settings().service.tokens.iter();
        let named = named.map(|token| Self::named(&main, token));
        std::iter::once(Self::main(&main)).chain(named).collect()
    }
}

impl Visitor {
    /// The visitor whose cookie this request carries.
    pub(super) fn find(web: &Web, headers: &HeaderMap) -> Option<Self> {
        let name = cookie_name(&web.service.token());
        let sealed = cookies(headers).find_map(|(found, value)| (found == name).then_some(value))?;
        let now = clock::now();
        let visitor = Holder::all(web).into_iter().find_map(|holder| {
            let ticket = Ticket::open(sealed, &holder.key, Purpose::Visit, now)?;
            let secret = seal(&holder.key, Purpose::Act, &ticket.number);
            Some(Self {
                ticket,
                secret,
                role: holder.role,
            })
        })?;
        (!web.memory.visits.has(&visitor.ticket)).then_some(visitor)
    }

    /// Whether the visit still lasts: its token is in force, its time has not ended, and nobody has signed out.
    pub(in crate::web) fn is_valid(&self, web: &Web) -> bool {
        let now = super::ticket::seconds(clock::now());
        let number = &self.ticket.number;
        let mut holders = Holder::all(web).into_iter();
        let is_held = holders.any(|holder| is_seal(&holder.key, Purpose::Act, number, &self.secret));
        is_held && now < self.ticket.ends_at && !web.memory.visits.has(&self.ticket)
    }

    /// Whether the visitor may do more than look.
    pub(in crate::web) fn may_act(&self) -> bool {
        self.role == Role::Admin
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
    let mut name = seal(&Key::main(token), Purpose::Name, "");
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
