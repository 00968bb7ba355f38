//! Work that may wait for the disk or the writer.
//!
//! # Threads
//! The runtime's threads for blocking work do it. The threads that serve connections never wait for the disk, so health
//! answers even if the disk hangs.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{answer::Refusal, service::Service};
use crate::{host::Host, state::Reader};

/// Does short work that may wait for the disk or the writer; returns status and body.
pub(super) async fn in_background(
    service: &Service,
    work: impl FnOnce(&Arc<Host>) -> Result<Value, Refusal> + Send + 'static,
) -> (StatusCode, Value) {
    match done(service, work).await {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => (refusal.status, json!({"detail": refusal.detail})),
    }
}

/// Like [`in_background`], with a connection for reading.
pub(super) async fn reading(
    service: &Service,
    read: impl FnOnce(&Reader) -> Result<Value, Refusal> + Send + 'static,
) -> (StatusCode, Value) {
    in_background(service, move |host| {
        let reader = host.state().reader()?;
        read(&reader)
    })
    .await
}

/// Reads what a list shows. It waits for no query of somebody else.
pub(crate) async fn read<T: Send + 'static>(
    service: &Service,
    read: impl FnOnce(&Reader) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    done(service, move |host| {
        let reader = host.state().reader()?;
        read(&reader)
    })
    .await
}

/// Does short work that may wait for the disk, the writer or PostgreSQL.
pub(super) async fn done<T: Send + 'static>(
    service: &Service,
    work: impl FnOnce(&Arc<Host>) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let host = Arc::clone(&service.host);
    let ended = tokio::task::spawn_blocking(move || work(&host)).await;
    ended.map_err(Refusal::internal)?
}
