//! The HTTP interface: hyper serves the connections, axum the routes.

mod admin;
mod answer;
mod audit;
mod authentication;
mod background;
mod connection_limits;
mod connections;
mod counting;
mod lists;
mod observation;
mod openapi;
mod parameters;
mod queries;
mod reading;
mod reports;
mod reprocessing;
mod router;
mod routes;
mod service;

pub use connections::{Listening, serve};
pub use queries::Queries;
pub use router::router;
pub use routes::{Access, Method, ROUTES, Route};
pub use service::Service;
