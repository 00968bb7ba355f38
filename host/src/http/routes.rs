//! The routes.

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri, Request},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{admin, answer::Refusal, audit, authentication, lists, observation, openapi, reading, service::Service};

/// How long a path with its parameters may be, in bytes.
const MAX_TARGET: usize = 4 << 10;

/// How large the body of a request may be, in bytes.
const MAX_BODY: usize = 1 << 20;

/// The routes.
pub fn router(service: Service) -> Router {
    let admin = Router::new()
        .route("/run-session-processor", post(admin::run_session_processor))
        .route("/retry", post(admin::retry))
        .route("/reprocess", post(admin::reprocess))
        .route("/forget", post(admin::forget))
        .route("/reload-plugins", post(admin::reload_plugins))
        .route("/query", post(reading::query))
        .route("/export", post(reading::export))
        .route("/processors", get(admin::processors))
        .route("/status", get(lists::status))
        .route("/runs", get(lists::runs))
        .route("/failures", get(lists::failures))
        .route("/failure-causes", get(lists::failure_causes))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(service.clone(), audit::write_down))
        .layer(middleware::from_fn_with_state(
            service.clone(),
            authentication::require_token,
        ));
    Router::new()
        .nest("/api/admin", admin)
        .route("/api/health", get(observation::health))
        .route("/api/openapi.json", get(openapi::document))
        .route("/metrics", get(observation::metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(service.clone(), observation::count))
        .layer(middleware::from_fn(limit_target))
        .with_state(service)
}

async fn not_found(OriginalUri(uri): OriginalUri) -> Refusal {
    Refusal::not_found(format!("there is nothing at {}: see /api/openapi.json", uri.path()))
}

async fn method_not_allowed() -> Refusal {
    let detail = "this path is not called by this method: the Allow header says which it takes";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

async fn limit_target(request: Request, next: Next) -> Response {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    match target.len() > MAX_TARGET {
        true => Refusal::new(
            StatusCode::URI_TOO_LONG,
            format!("the path has more than {MAX_TARGET} bytes"),
        )
        .into_response(),
        false => next.run(request).await,
    }
}
