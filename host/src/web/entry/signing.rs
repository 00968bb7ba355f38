//! Signing in and out.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    act::{OwnAct, check_origin},
    seal::{Key, Purpose},
    spent::Spending,
    ticket::Ticket,
    visitor::{Holder, Visitor, cookie_name},
};
use crate::{
    clock,
    http::{
        answer::Refusal,
        peer::{Peer, network_of},
        reading::body_of,
    },
    web::{
        addresses::{OVERVIEW, SIGN_IN},
        asked::asked,
        redirect::redirect,
        shell::sign_in_page,
        state::Web,
    },
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct AskedForm {
    /// The page to go to.
    next: Option<String>,
    /// The code of a link.
    code: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct Given {
    token: String,
    next: Option<String>,
}

/// `GET /sign-in`: the form. With a good code in the address, no form is needed.
pub(in crate::web) async fn form(State(web): State<Web>, uri: Uri, headers: HeaderMap) -> Response {
    let asked: AskedForm = asked(&uri).unwrap_or_default();
    let next = local(asked.next.as_deref());
    let Some(code) = asked.code else {
        return match Visitor::find(&web, &headers) {
            Some(_) => redirect(next),
            None => sign_in_page(StatusCode::OK, next, None),
        };
    };
    let (key, now) = (Key::main(web.secrets.of_links(), &web.service.token()), clock::now());
    match Ticket::open(&code, &key, Purpose::Link, now) {
        Some(ticket) if web.memory.codes.spend(&ticket, now) == Spending::First => {
            let_in(&web, &Holder::main(&web), &headers, next)
        }
        _ => {
            let told = "This link has been used, or is too old, or is of an earlier start. `session-host open` makes a new one.";
            sign_in_page(StatusCode::FORBIDDEN, next, Some(told))
        }
    }
}

/// `POST /sign-in`: lets in whoever knows a token.
pub(in crate::web) async fn sign_in(State(web): State<Web>, request: Request) -> Response {
    if let Err(refusal) = check_origin(request.headers()) {
        return refusal.into_response();
    }
    let client = client(&request);
    let wait = web.memory.throttle.wait(client, Instant::now());
    if !wait.is_zero() {
        let seconds = wait.as_secs() + 1;
        let told = format!("Too many wrong tokens came from your address. Try again in {seconds} s.");
        let mut response = sign_in_page(StatusCode::TOO_MANY_REQUESTS, "/", Some(&told));
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return response;
    }
    let headers = request.headers().clone();
    let given: Result<Given, Refusal> = match body_of(request).await {
        Ok(body) => serde_urlencoded::from_bytes(&body).map_err(Refusal::bad_request),
        Err(refusal) => Err(refusal),
    };
    let given = match given {
        Ok(given) => given,
        Err(refusal) => return refusal.into_response(),
    };
    let next = local(given.next.as_deref());
    match Holder::of_token(&web, given.token.trim().as_bytes()) {
        Some(holder) => let_in(&web, &holder, &headers, next),
        None => {
            web.memory.throttle.note(client, Instant::now());
            let told = "The token is wrong. `session-host token` prints the right one.";
            sign_in_page(StatusCode::UNAUTHORIZED, next, Some(told))
        }
    }
}

/// The network of whoever sent a request. A proxy on this machine tells for whom it asks.
fn client(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| *address);
    let told = request.headers().get_all("x-forwarded-for").iter().next_back();
    let told = told.and_then(|told| told.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    match peer.to_canonical().is_loopback() {
        true => network_of(told.unwrap_or(peer)),
        false => network_of(peer),
    }
}

/// `POST /sign-out`: ends the visit.
pub(in crate::web) async fn sign_out(State(web): State<Web>, OwnAct(visitor): OwnAct) -> Response {
    let name = cookie_name(&web);
    let (memory, secrets) = (Arc::clone(&web.memory), web.secrets.clone());
    let ending = move || memory.visits.end(&visitor.ticket, &secrets, clock::now());
    match tokio::task::spawn_blocking(ending).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("a visit that has ended may be good again after a restart: {error}"),
        Err(panic) => return Refusal::internal(panic).into_response(),
    }
    let mut response = redirect(SIGN_IN);
    let ended = format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    set_cookie(&mut response, &ended);
    response
}

fn let_in(web: &Web, holder: &Holder, headers: &HeaderMap, next: &str) -> Response {
    let ticket = match Ticket::new(clock::now(), web.visit) {
        Ok(ticket) => ticket,
        Err(error) => return Refusal::internal(error).into_response(),
    };
    // The service itself speaks no TLS. A proxy before it tells that the browser does.
    let behind_tls = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let cookie = format!(
        "{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}",
        cookie_name(web),
        ticket.sealed(&holder.key, Purpose::Visit),
        web.visit.as_secs(),
        if behind_tls { "; Secure" } else { "" }
    );
    let mut response = redirect(next);
    set_cookie(&mut response, &cookie);
    response
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// A page of this service, whatever somebody put into the address.
fn local(next: Option<&str>) -> &str {
    let is_local = |next: &&str| {
        let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        plain && next.starts_with('/') && !next.starts_with("//") && !next.starts_with(SIGN_IN)
    };
    next.filter(is_local).unwrap_or(OVERVIEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        for next in [
            "https://a.example/",
            "//a.example/",
            "/\\a.example",
            "/a\r\nb",
            "",
            "a",
            "/sign-in?next=/",
        ] {
            assert_eq!(local(Some(next)), "/", "{next:?}");
        }
        assert_eq!(
            local(Some("/reports/usage.daily?last=7d")),
            "/reports/usage.daily?last=7d"
        );
        assert_eq!(local(None), "/");
    }
}
