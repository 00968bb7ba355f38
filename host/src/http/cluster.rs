//! The machines that share the state.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{
    answer::{Refusal, json_answer},
    background::done,
    service::{OfService, Service},
};
use crate::cluster::ClusterListing;

/// `GET /api/admin/cluster`
pub(super) async fn cluster(State(service): OfService) -> Response {
    match machines(&service).await {
        Ok(listed) => json_answer(StatusCode::OK, &listed),
        Err(refusal) => refusal.into_response(),
    }
}

/// The machines, as PostgreSQL has them now. There are none if the state is in a file.
///
/// # Errors
/// When PostgreSQL does not answer.
pub(crate) async fn machines(service: &Service) -> Result<ClusterListing, Refusal> {
    let looking = done(service, |host| match host.cluster() {
        None => Ok(ClusterListing::default()),
        Some(cluster) => Ok(ClusterListing::from(&cluster.look()?)),
    });
    looking.await
}
