//! Actions: forms that only the pages of a visit can send.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode},
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

/// Refuses a form that a page of another site sent. Browsers tell that themselves, whatever a proxy does to `Host`.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "the form comes from another site, so the service does nothing",
        )),
    }
}
