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
    config::Role,
    http::{TokenHolder, answer::Refusal, authentication::Caller},
    state::Actor,
    web::{addresses::SIGN_IN, redirect::redirect, state::Web},
};

/// The name of the field with the secret of the visit.
pub(in crate::web) const SECRET: &str = "secret";

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub(in crate::web) struct Visitor {
    pub(super) ticket: Ticket,
    /// The secret of the pages of this visit, which every action carries.
    pub(in crate::web) secret: String,
    /// Who the visitor is in the audit log.
    pub(in crate::web) actor: Actor,
    role: Role,
}

/// A token in force: what seals for it, and what its holder may do.
pub(super) struct Holder {
    pub(super) key: Key,
    role: Role,
    actor: Actor,
}

/// What seals the visits of those who hold the main token.
fn main_key(web: &Web) -> Key {
    Key::main(&web.secrets.of_visits(), &web.service.token())
}

impl Holder {
    /// The holder whose token this is.
    pub(super) fn of_token(web: &Web, given: &[u8]) -> Option<Self> {
        let holder = web.service.holder_of(given)?;
        Some(Self::of(&main_key(web), holder))
    }

    /// The holder of the main token.
    pub(super) fn main(web: &Web) -> Self {
        Self::of(&main_key(web), TokenHolder::Main)
    }

    fn of(main: &Key, holder: TokenHolder<'_>) -> Self {
        Self {
            key: match holder {
                TokenHolder::Main => main.clone(),
                TokenHolder::Named(token) => Key::named(main, token),
            },
            role: holder.role(),
            actor: holder.actor(),
        }
    }

    /// The holders of all tokens in force.
    fn all(web: &Web) -> Vec<Self> {
        let main = main_key(web);
        let named = web.service.host.settings().service.tokens.iter();
        let holders = std::iter::once(TokenHolder::Main).chain(named.map(TokenHolder::Named));
        holders.map(|holder| Self::of(&main, holder)).collect()
    }
}

impl Visitor {
    /// The visitor whose cookie this request carries.
    pub(super) fn find(web: &Web, headers: &HeaderMap) -> Option<Self> {
        let name = cookie_name(web);
        let sealed = cookies(headers).find_map(|(found, value)| (found == name).then_some(value))?;
        let now = clock::now();
        let visitor = Holder::all(web).into_iter().find_map(|holder| {
            let ticket = Ticket::open(sealed, &holder.key, Purpose::Visit, now)?;
            let secret = seal(&holder.key, Purpose::Act, &ticket.number);
            Some(Self {
                ticket,
                secret,
                actor: holder.actor,
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

    /// The visitor as a caller of the interface.
    pub(in crate::web) fn caller(&self) -> Caller {
        Caller(self.actor.clone())
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
        return redirect(&format!("{SIGN_IN}?next={next}"));
    }
    // A part of a page leads the whole page there.
    let mut response = Refusal::new(StatusCode::UNAUTHORIZED, "sign in again").into_response();
    response
        .headers_mut()
        .insert("hx-redirect", HeaderValue::from_static(SIGN_IN));
    response
}

/// The name of the cookie of this service's visits.
pub(super) fn cookie_name(web: &Web) -> String {
    let mut name = seal(&main_key(web), Purpose::Name, "");
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
