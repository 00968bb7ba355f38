//! The page: what the service does, for people with a browser.
//!
//! The server renders every page, so all of it works without JavaScript but charts and live updates. A page calls the same
//! functions as the HTTP interface, with the same limits, and what it does leaves the same rows in the audit log. A browser
//! sends its cookie by itself, unlike a token; so `entry` also protects every action by a secret of the page.
//!
//! # Threads
//! Handlers run on any thread of the runtime, and leave to others whatever waits for the disk. Clones of `Web` share
//! everything.

mod actions;
mod addresses;
mod asked;
mod audit;
mod chart;
mod cluster;
mod console;
mod content;
mod entry;
mod failures;
mod files;
mod kept;
mod live;
mod overview;
mod parts;
mod processors;
mod protection;
mod recorded;
mod redirect;
mod reports;
mod runs;
mod search;
mod sessions;
mod shell;
mod state;
mod texts;

use std::time::Duration;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};

pub use entry::link::{LinkError, sign_in_link};
use state::Web;

use crate::{config::PageSecrets, http::Service};

/// How large a form may be, in bytes: a statement for the console, whose characters may be escaped.
const LARGEST_FORM: usize = 256 << 10;

/// The routes of the page. A sign-in lasts as long as `visit`, and `secrets` seal it.
pub fn pages(service: Service, visit: Duration, secrets: PageSecrets) -> Router {
    Router::new()
        .route(addresses::OVERVIEW, get(overview::overview))
        .route(addresses::OVERVIEW_RUNS, get(overview::runs))
        .route(addresses::OVERVIEW_CHARTS, get(overview::charts))
        .route(addresses::LIVE_OVERVIEW, get(overview::stream))
        .route(addresses::PROCESSORS, get(processors::list::show))
        .route(addresses::RELOAD, post(actions::reload))
        .route("/processors/{name}", get(processors::one::show))
        .route("/processors/{name}/results", get(processors::one::results))
        .route("/processors/{name}/run", post(actions::run))
        .route(
            "/processors/{name}/reprocess",
            get(processors::reprocess::confirm).post(processors::reprocess::reprocess),
        )
        .route("/processors/{name}/pause", post(actions::pause))
        .route("/processors/{name}/resume", post(actions::resume))
        .route(addresses::LIVE_PROCESSORS, get(processors::list::stream))
        .route("/live/processors/{name}", get(processors::one::stream))
        .route(addresses::REPORTS, get(reports::list))
        .route("/reports/{name}", get(reports::one))
        .route("/reports/{name}/csv", get(reports::csv))
        .route("/reports/{name}/json", get(reports::json))
        .route(addresses::SEARCH, get(search::show))
        .route(addresses::SESSIONS, get(sessions::list::show))
        .route(addresses::SESSION, get(sessions::one::show))
        .route(addresses::SESSION_LINE, get(sessions::line::show))
        .route(addresses::SESSION_ROWS, get(sessions::rows::show))
        .route(
            addresses::FORGET,
            get(sessions::forget::confirm).post(sessions::forget::forget),
        )
        .route(addresses::FAILURES, get(failures::show))
        .route(addresses::ATTEMPTS, get(failures::session::show))
        .route(addresses::RETRY, post(actions::retry))
        .route(addresses::CLUSTER, get(cluster::show))
        .route(addresses::AUDIT, get(audit::show))
        .route(addresses::QUERY, get(console::show).post(console::ask))
        .route(
            addresses::SIGN_IN,
            get(entry::signing::form).post(entry::signing::sign_in),
        )
        .route(addresses::SIGN_OUT, post(entry::signing::sign_out))
        .route("/assets/{name}", get(files::file))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(middleware::from_fn(protection::protect))
        .with_state(Web::new(service, visit, secrets))
}
