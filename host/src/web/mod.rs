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
mod asked;
mod audit;
mod chart;
mod console;
mod content;
mod entry;
mod failures;
mod files;
mod live;
mod overview;
mod parts;
mod processors;
mod protection;
mod redirect;
mod reports;
mod runs;
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

use crate::http::Service;

/// How large a form may be, in bytes: a statement for the console, whose characters may be escaped.
const LARGEST_FORM: usize = 256 << 10;

/// The routes of the page. A sign-in lasts as long as `visit`.
pub fn pages(service: Service, visit: Duration) -> Router {
    Router::new()
        .route("/", get(overview::overview))
        .route("/overview/runs", get(overview::runs))
        .route("/overview/charts", get(overview::charts))
        .route("/live/overview", get(overview::stream))
        .route("/processors", get(processors::list::show))
        .route("/plugins/reload", post(actions::reload))
        .route("/processors/{name}", get(processors::one::show))
        .route("/processors/{name}/results", get(processors::one::results))
        .route("/processors/{name}/run", post(actions::run))
        .route("/processors/{name}/pause", post(actions::pause))
        .route("/processors/{name}/resume", post(actions::resume))
        .route("/live/processors", get(processors::list::stream))
        .route("/live/processors/{name}", get(processors::one::stream))
        .route("/reports", get(reports::list))
        .route("/reports/{name}", get(reports::one))
        .route("/reports/{name}/csv", get(reports::csv))
        .route("/reports/{name}/json", get(reports::json))
        .route("/failures", get(failures::show))
        .route("/failures/retry", post(actions::retry))
        .route("/audit", get(audit::show))
        .route("/query", get(console::show).post(console::ask))
        .route("/sign-in", get(entry::signing::form).post(entry::signing::sign_in))
        .route("/sign-out", post(entry::signing::sign_out))
        .route("/assets/{name}", get(files::file))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(middleware::from_fn(protection::protect))
        .with_state(Web::new(service, visit))
}
