//! Actions: forms that only the pages of a visit can send.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde::de::DeserializeOwned;

use super::{
    admin::Admin,
    visitor::{SECRET, Visitor},
};
use crate::{
    http::{answer::Refusal, reading::body_of},
    web::{shell::refused, state::Web},
};

/// A form of a visitor who may act. There is no other way to a form, so no action goes without the check.
pub(in crate::web) struct Act<T> {
    pub(in crate::web) visitor: Visitor,
    pub(in crate::web) form: T,
}

/// A form that every visitor may send, because it concerns that visitor alone.
pub(in crate::web) struct OwnAct(pub(in crate::web) Visitor);

impl<T: DeserializeOwned> FromRequest<Web> for Act<T> {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Admin(visitor) = Admin::from_request_parts(&mut parts, web).await?;
        let form = received(Request::from_parts(parts, body), web, &visitor).await?;
        Ok(Self { visitor, form })
    }
}

impl FromRequest<Web> for OwnAct {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, web).await?;
        received::<()>(Request::from_parts(parts, body), web, &visitor).await?;
        Ok(Self(visitor))
    }
}

/// The fields of a form that this visitor sent from a page.
async fn received<T: DeserializeOwned>(request: Request, web: &Web, visitor: &Visitor) -> Result<T, Response> {
    let refuse = |refusal| refused(web, visitor, refusal);
    check_origin(request.headers()).map_err(refuse)?;
    let body = body_of(request).await.map_err(refuse)?;
    form(&body, &visitor.secret).map_err(refuse)
}

/// The fields of a form that carries the secret.
fn form<T: DeserializeOwned>(body: &[u8], secret: &str) -> Result<T, Refusal> {
    let (secrets, fields): (Vec<_>, Vec<_>) = form_urlencoded::parse(body).partition(|(name, _)| name == SECRET);
    let is_ours = |given: &str| bool::from(subtle::ConstantTimeEq::ct_eq(given.as_bytes(), secret.as_bytes()));
    if !matches!(secrets.as_slice(), [(_, given)] if is_ours(given)) {
        let detail = "the form does not come from a page of this visit: reload the page, and try again";
        return Err(Refusal::new(StatusCode::FORBIDDEN, detail));
    }
    let filled = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let rest = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(filled)
        .finish();
    serde_urlencoded::from_str(&rest).map_err(Refusal::bad_request)
}

/// Refuses a form that a page of another site sent. Browsers tell that themselves, whatever a proxy does to `Host`. Those that
/// do not tell the origin.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_ours = match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        Some(site) => matches!(site, b"same-origin" | b"none"),
        None => headers
            .get(header::ORIGIN)
            .is_none_or(|origin| is_of_this_host(origin, headers)),
    };
    match is_ours {
        true => Ok(()),
        false => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "the form comes from another site, so the service does nothing",
        )),
    }
}

/// Whether an origin is this service, as the request or the proxy before it names it.
fn is_of_this_host(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let text = |value: &HeaderValue| value.to_str().map(str::to_ascii_lowercase).ok();
    let named = [header::HOST, HeaderName::from_static("x-forwarded-host")];
    let mut named = named.iter().filter_map(|name| headers.get(name)).filter_map(text);
    let origin = text(origin);
    let host = origin.as_deref().and_then(|origin| Some(origin.split_once("://")?.1));
    host.is_some_and(|host| named.any(|named| named == host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ours(headers: &[(&'static str, &'static str)]) -> bool {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        check_origin(&headers.iter().map(header).collect()).is_ok()
    }

    #[test]
    fn a_form_of_another_site_is_known_with_and_without_the_word_of_the_browser() {
        let host = ("host", "localhost:7741");
        assert!(is_ours(&[host]));
        assert!(is_ours(&[host, ("origin", "http://localhost:7741")]));
        assert!(is_ours(&[
            host,
            ("origin", "https://a.example"),
            ("x-forwarded-host", "A.example")
        ]));
        assert!(is_ours(&[
            host,
            ("origin", "http://a.example"),
            ("sec-fetch-site", "same-origin")
        ]));
        for origin in [
            "http://localhost",
            "http://localhost:7742",
            "https://a.example",
            "null",
            "",
        ] {
            assert!(!is_ours(&[host, ("origin", origin)]), "{origin}");
        }
        assert!(!is_ours(&[
            host,
            ("origin", "http://localhost:7741"),
            ("sec-fetch-site", "cross-site")
        ]));
    }
}
