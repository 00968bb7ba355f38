//! Routes that read the state: queries and exports. Reports have the limits of queries.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{
    answer::{Refusal, json_answer},
    audit::Note,
    background::in_background,
    service::{OfService, Service},
};
use crate::state::{QueryLimits, Reader, State as HostState, StateError};

/// A query and its parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The statement.
    pub(crate) sql: String,
    /// The values of its parameters.
    #[serde(default)]
    pub(crate) params: Vec<Value>,
}

/// How long a query may take, including its wait for other queries.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);

/// The limits of a query or a report.
pub(crate) const QUERY_LIMITS: QueryLimits = QueryLimits {
    rows: 10_000,
    bytes: 16 << 20,
    memory: 1 << 30,
};

/// `POST /api/admin/query {"sql", "params"}`: one read-only statement.
pub(super) async fn query(State(service): OfService, request: Request) -> Response {
    let asked = async {
        let body = body_of(request).await?;
        serde_json::from_slice(&body).map_err(|error| {
            Refusal::bad_request(format!(
                "the body must be {{\"sql\": \"...\", \"params\": [...]}}: {error}"
            ))
        })
    };
    match asked.await {
        Ok(asked) => answered(&service, asked).await,
        Err(refusal) => noted(String::new(), Err(refusal)),
    }
}

/// Answers a query.
pub(crate) async fn answered(service: &Service, asked: Asked) -> Response {
    let sql = asked.sql.clone();
    noted(sql, answer_to(service, asked).await)
}

/// Notes for the audit log what was asked.
fn noted(sql: String, answered: Result<Response, Refusal>) -> Response {
    let params = match &answered {
        Ok(_) => json!({"sql": sql}),
        Err(refusal) => json!({"sql": sql, "detail": refusal.detail}),
    };
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    response.extensions_mut().insert(Note::Action {
        action: "query".to_owned(),
        resource: "state".to_owned(),
        params,
    });
    response
}

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The body of a request.
///
/// # Errors
/// When it takes too long to arrive, or is too large.
pub(crate) async fn body_of(request: Request) -> Result<Bytes, Refusal> {
    let received = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, &())).await;
    let received = received.map_err(|_| {
        Refusal::timeout(format!(
            "the body took longer than {} s to arrive",
            BODY_TIMEOUT.as_secs()
        ))
    })?;
    received.map_err(|rejection| Refusal::new(rejection.status(), rejection.body_text()))
}

async fn answer_to(service: &Service, asked: Asked) -> Result<Response, Refusal> {
    in_time(service, move |reader| {
        let answer = reader.query(&asked.sql, &asked.params, QUERY_LIMITS)?;
        Ok(json_answer(StatusCode::OK, &answer))
    })
    .await
}

/// Reads the state within the time of a query, when a place for one is free. What takes longer is interrupted, even if nobody
/// waits for the answer any more.
pub(crate) async fn in_time<T: Send + 'static>(
    service: &Service,
    read: impl FnOnce(&Reader) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    in_time_from(service, HostState::reader, read).await
}

/// Like [`in_time`], for reports: from the newest snapshot, if the hosts that share the state write some.
pub(crate) async fn report_in_time<T: Send + 'static>(
    service: &Service,
    read: impl FnOnce(&Reader) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    in_time_from(service, HostState::report_reader, read).await
}

async fn in_time_from<T: Send + 'static>(
    service: &Service,
    open: fn(&HostState) -> Result<Reader, StateError>,
    read: impl FnOnce(&Reader) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let until = Instant::now() + QUERY_TIMEOUT;
    let place = timeout_at(until, service.queries.place());
    let place = place.await.map_err(|_| too_long())?;
    let state = Arc::clone(service.host.state());
    // A database that several hosts share may not answer.
    let opening = tokio::task::spawn_blocking(move || open(&state));
    let reader = timeout_at(until, opening).await.map_err(|_| too_long())?;
    let reader = reader.map_err(Refusal::internal)??;
    let interrupt = reader.interrupt_handle();
    let mut running = tokio::task::spawn_blocking(move || {
        let _until_it_has_ended = place;
        read(&reader)
    });
    let queries = service.queries.clone();
    // A task of its own: the answer is dropped when the client closes the connection, and the query still needs its end.
    let waiting = tokio::spawn(async move {
        match timeout_at(until, &mut running).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panicked)) => Err(Refusal::internal(panicked)),
            Err(_) => {
                tokio::spawn(queries.end(running, interrupt));
                Err(too_long())
            }
        }
    });
    waiting.await.map_err(Refusal::internal)?
}

fn too_long() -> Refusal {
    let seconds = QUERY_TIMEOUT.as_secs();
    let detail = format!("the query took longer than {seconds} s and was interrupted: ask for less data");
    Refusal::new(StatusCode::GATEWAY_TIMEOUT, detail)
}

/// `POST /api/admin/export`: every table as a Parquet file, in a new folder of the data directory.
pub(super) async fn export(State(service): OfService) -> Response {
    let (status, body) = in_background(&service, |host| {
        let (folder, tables) = host.export()?;
        Ok(json!({"folder": folder, "tables": tables}))
    })
    .await;
    json_answer(status, &body)
}
