//! Visitors who may do more than look.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::Response,
};

use super::visitor::Visitor;
use crate::{
    http::{answer::Refusal, authentication::VIEWER},
    web::{shell::refused, state::Web},
};

/// A visitor who may do everything.
pub(in crate::web) struct Admin(pub(in crate::web) Visitor);

/// A viewer is told that the page is not for viewers.
impl FromRequestParts<Web> for Admin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, web).await?;
        match visitor.may_act() {
            true => Ok(Self(visitor)),
            false => Err(refused(web, &visitor, Refusal::new(StatusCode::FORBIDDEN, VIEWER))),
        }
    }
}
