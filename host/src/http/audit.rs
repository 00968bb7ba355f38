//! Every admin call leaves one entry in the audit log, whatever its result.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, OriginalUri, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::task::JoinError;

use super::{answer::Refusal, authentication::Caller, service::Service};
use crate::{
    clock,
    host::Host,
    state::{Actor, AuditRecord, Outcome},
};

/// What the audit log records about an answer.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    /// The call is already recorded, because it made a run.
    Written,
    /// The action, its resource, and its result.
    Action {
        action: String,
        resource: String,
        params: Value,
    },
}

/// Serves an admin call, and records it.
pub(super) async fn write_down(
    State(service): State<Service>,
    OriginalUri(uri): OriginalUri,
    Caller(actor): Caller,
    request: Request,
    next: Next,
) -> Response {
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let path = path.unwrap_or_else(|| uri.path().to_owned());
    recorded(&service, actor, path, next.run(request)).await
}

/// Answers a call of somebody at this path to its end, even if the client leaves meanwhile, and records it.
pub(crate) async fn recorded(
    service: &Service,
    actor: Actor,
    path: String,
    answering: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let host = Arc::clone(&service.host);
    let serving = tokio::spawn(async move {
        let (started_at, began) = (clock::now(), Instant::now());
        let response = tokio::spawn(answering).await.unwrap_or_else(|panic| panicked(&panic));
        if let Some((action, resource, params)) = noted(&path, &response) {
            let record = AuditRecord {
                actor,
                action,
                resource,
                started_at,
                duration: began.elapsed(),
                outcome: match response.status().is_success() {
                    true => Outcome::Success,
                    false => Outcome::Failed,
                },
                params,
            };
            write(&host, record).await;
        }
        response
    });
    serving.await.unwrap_or_else(|panic| panicked(&panic))
}

fn panicked(panic: &JoinError) -> Response {
    let detail = format!("the call panicked: {panic}; please report this bug in session-host");
    Refusal::internal(detail).into_response()
}

fn noted(path: &str, response: &Response) -> Option<(String, String, Value)> {
    match response.extensions().get::<Note>() {
        Some(Note::Written) => None,
        Some(Note::Action {
            action,
            resource,
            params,
        }) => Some((action.clone(), resource.clone(), params.clone())),
        None => {
            let params = json!({"status": response.status().as_u16()});
            Some((action_of(path), path.to_owned(), params))
        }
    }
}

/// The last part of the path, in the form of the other actions: `reload_plugins`.
fn action_of(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().replace('-', "_")
}

async fn write(host: &Arc<Host>, record: AuditRecord) {
    let host = Arc::clone(host);
    let written = tokio::task::spawn_blocking(move || host.state().audit(&record)).await;
    match written {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!("cannot record an admin call in the audit log: {error}"),
        Err(panic) => tracing::error!("cannot record an admin call in the audit log: {panic}"),
    }
}
