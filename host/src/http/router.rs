//! Builds the router from the table of routes, and adds the layers that every request passes before its handler.
//!
//! Unknown paths below `/api/admin` also require the token, so that nobody without it can find out which paths exist.

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri, Request},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use super::{
    answer::Refusal,
    audit, authentication, counting, protection,
    routes::{ADMIN, Access, ROUTES, Route},
    service::Service,
};

/// The maximum length of a path with its parameters, in bytes.
const MAX_TARGET: usize = 4 << 10;

/// The maximum size of a request's body, in bytes.
const MAX_BODY: usize = 1 << 20;

/// The service's interface, and the routes of `pages` beside it.
pub fn router(service: Service, pages: Router) -> Router {
    let audited = middleware::from_fn_with_state(service.clone(), audit::write_down);
    let authenticated = middleware::from_fn_with_state(service.clone(), authentication::require_token);
    let admin = routes_for(Access::TokenHolders, |route| route.path.strip_prefix(ADMIN))
        .fallback(not_found)
        .layer(audited.clone())
        .layer(authenticated.clone());
    let outside = |route: &Route| (!route.path.starts_with(ADMIN)).then_some(route.path);
    let others = routes_for(Access::TokenHolders, outside)
        .route_layer(audited)
        .route_layer(authenticated);
    routes_for(Access::Anyone, outside)
        .merge(others)
        .nest(ADMIN, admin)
        .fallback(not_found)
        .with_state(service.clone())
        .merge(pages)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(service, counting::count))
        .layer(middleware::from_fn(check_target))
        .layer(middleware::from_fn(protection::protect))
}

/// The routes with this access, each at the path that `place` returns.
fn routes_for(access: Access, place: impl Fn(&Route) -> Option<&'static str>) -> Router<Service> {
    let routes = ROUTES.iter().filter(|route| route.access == access);
    let placed = routes.filter_map(|route| Some((place(route)?, route)));
    let router = placed.fold(Router::new(), |router, (path, route)| {
        router.route(path, route.handler())
    });
    router.method_not_allowed_fallback(method_not_allowed)
}

async fn not_found(OriginalUri(uri): OriginalUri) -> Refusal {
    Refusal::not_found(format!("there is nothing at {}: see /api/openapi.json", uri.path()))
}

async fn method_not_allowed() -> Refusal {
    let detail = "this path does not accept this method: the Allow header lists the methods that it accepts";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

async fn check_target(request: Request, next: Next) -> Response {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    if target.len() > MAX_TARGET {
        let detail = format!("the path has more than {MAX_TARGET} bytes");
        return Refusal::new(StatusCode::URI_TOO_LONG, detail).into_response();
    }
    // No name has one, and PostgreSQL takes no text that does.
    if target.contains("%00") {
        return Refusal::bad_request("the path or a parameter has a zero byte (%00): leave it out").into_response();
    }
    next.run(request).await
}
