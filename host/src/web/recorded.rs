//! Does what a route of the HTTP interface does, with the same row in the audit log.

use std::future::Future;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::sync::oneshot;

use super::{entry::visitor::Visitor, state::Web};
use crate::http::{
    answer::Refusal,
    audit::{Note, recorded},
};

/// The response of an action, which is recorded as one of this route for a visitor.
pub(super) async fn response(
    web: &Web,
    visitor: &Visitor,
    route: &str,
    answering: impl Future<Output = Response> + Send + 'static,
) -> Response {
    recorded(&web.service, visitor.actor.clone(), route.to_owned(), answering).await
}

/// The answer, which is recorded as one of this route for a visitor. It is computed to its end, even if the visitor leaves.
///
/// # Errors
/// When there is none.
pub(super) async fn answer<T: Send + 'static>(
    web: &Web,
    visitor: &Visitor,
    route: &str,
    note: Note,
    answering: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    let (sender, receiver) = oneshot::channel();
    let answering = async move {
        let result = answering.await;
        let mut response = told(&result);
        response.extensions_mut().insert(note);
        // The visitor may have left.
        let _ = sender.send(result);
        response
    };
    let status = response(web, visitor, route, answering).await.status();
    let failed = |_| Err(Refusal::new(status, "there is no answer: see the log"));
    receiver.await.unwrap_or_else(failed)
}

/// What the audit log says of the result.
fn told<T>(result: &Result<T, Refusal>) -> Response {
    match result {
        Ok(_) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.clone().into_response(),
    }
}
