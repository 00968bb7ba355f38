//! Every route, in one table.
//!
//! The router, the route labels of the metrics, and the test of the OpenAPI description use it. To add a route, add a line
//! here and describe it in `openapi.json`.

use axum::routing::{MethodFilter, MethodRouter, on};

use super::{
    admin, cluster, lists, observation, openapi, paths, reading, reports, reprocessing, search, service::Service,
};

/// The prefix below which every path requires the token, even one that is unknown.
pub(super) const ADMIN: &str = "/api/admin";

/// A path with its method.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// The statuses of its answers, in addition to those of its access.
    statuses: &'static [u16],
    handler: fn(MethodFilter) -> MethodRouter<Service>,
}

/// The methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// For reading; such a route also accepts HEAD.
    Get,
    /// For actions.
    Post,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone who reaches the service, because monitors have no token.
    Anyone,
    /// Anyone who has the token.
    TokenHolders,
}

impl Method {
    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
        }
    }

    /// The method's name in requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl Access {
    /// The statuses of all routes with this access: any head can be too large, and routes that require the token use the
    /// state.
    fn statuses(self) -> &'static [u16] {
        match self {
            Self::Anyone => &[200, 414, 431],
            Self::TokenHolders => &[200, 401, 414, 431, 500, 503],
        }
    }
}

impl Route {
    /// The statuses of its answers.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        let of_viewers: &[u16] = match (self.access, self.method) {
            (Access::TokenHolders, Method::Post) => &[403],
            _ => &[],
        };
        self.access
            .statuses()
            .iter()
            .chain(of_viewers)
            .chain(self.statuses)
            .copied()
    }

    /// Its handler.
    pub(super) fn handler(&self) -> MethodRouter<Service> {
        (self.handler)(self.method.filter())
    }
}

macro_rules! routes {
    ($($method:ident $path:expr, $access:ident, $handler:path, $statuses:expr;)+) => {
        /// Every route.
        pub const ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            access: Access::$access,
            statuses: &$statuses,
            handler: |method| on(method, $handler),
        }),+];
    };
}

routes! {
    Post paths::RUN, TokenHolders, admin::run_session_processor, [400, 409];
    Post paths::RETRY, TokenHolders, admin::retry, [400, 409];
    Post paths::REPROCESS, TokenHolders, reprocessing::reprocess, [400, 404, 409];
    Post paths::PAUSE, TokenHolders, admin::pause, [400];
    Post paths::RESUME, TokenHolders, admin::resume, [400, 404];
    Post paths::FORGET, TokenHolders, admin::forget, [400, 404, 409];
    Post paths::RELOAD, TokenHolders, admin::reload_plugins, [];
    Post paths::QUERY, TokenHolders, reading::query, [400, 408, 413, 504];
    Post "/api/admin/export", TokenHolders, reading::export, [];
    Get "/api/admin/processors", TokenHolders, admin::processors, [];
    Get "/api/admin/candidates", TokenHolders, lists::candidates, [400];
    Get "/api/admin/status", TokenHolders, lists::status, [];
    Get "/api/admin/runs", TokenHolders, lists::runs, [400];
    Get "/api/admin/failures", TokenHolders, lists::failures, [400];
    Get "/api/admin/failure-causes", TokenHolders, lists::failure_causes, [400];
    Get "/api/admin/cluster", TokenHolders, cluster::cluster, [];
    Get "/api/reports", TokenHolders, reports::list, [];
    Get paths::REPORT, TokenHolders, reports::report, [400, 404, 504];
    Get paths::SEARCH, TokenHolders, search::search, [400, 504];
    Get paths::HEALTH, Anyone, observation::health, [];
    Get "/api/openapi.json", Anyone, openapi::document, [];
    Get paths::METRICS, Anyone, observation::metrics, [];
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    /// An operation: whether it requires the token, and its statuses.
    type Operation = (bool, BTreeSet<u16>);

    /// The operations of the description, by method and path.
    fn described() -> BTreeMap<(String, String), Operation> {
        let document: Value = serde_json::from_str(openapi::DOCUMENT).unwrap();
        let mut found = BTreeMap::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let methods = item.as_object().unwrap().iter();
            for (method, operation) in methods.filter(|(method, _)| !method.starts_with("x-")) {
                let statuses = operation["responses"].as_object().unwrap().keys();
                let statuses = statuses.map(|status| status.parse().unwrap()).collect();
                let takes_token = !operation["security"].as_array().unwrap().is_empty();
                found.insert((method.to_uppercase(), path.clone()), (takes_token, statuses));
            }
        }
        found
    }

    #[test]
    fn the_description_has_every_route_with_its_statuses_and_nothing_else() {
        let routes = ROUTES.iter().map(|route| {
            let takes_token = route.access == Access::TokenHolders;
            let name = (route.method.as_str().to_owned(), route.path.to_owned());
            (name, (takes_token, route.statuses().collect()))
        });
        let routes: BTreeMap<_, Operation> = routes.collect();
        assert_eq!(routes.len(), ROUTES.len(), "a route stands twice in the table");
        assert_eq!(described(), routes);
    }

    #[test]
    fn every_route_below_the_prefix_requires_the_token() {
        for route in ROUTES.iter().filter(|route| route.path.starts_with(ADMIN)) {
            assert_eq!(route.access, Access::TokenHolders, "{}", route.path);
        }
    }
}
