//! The HTTP interface: hyper serves the connections, axum the routes.

mod admin;
mod answer;
mod audit;
mod authentication;
mod connections;
mod observation;
mod openapi;
mod routes;

pub use connections::{Listening, serve};
pub use routes::{Service, router};
