//! Counts requests by route. An unknown path counts as `other`, so that a client cannot add labels to a metric.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};

use super::{routes::ROUTES, service::Service};

/// Counts a request.
pub(super) async fn count(State(service): State<Service>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.and_then(|matched| ROUTES.iter().find(|route| route.path == matched.as_str()));
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let path = route.map_or("other", |route| route.path);
    service.metrics.observe_request(path, &method, status, began.elapsed());
    response
}
