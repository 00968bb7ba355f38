//! The HTTP interface: hyper serves the connections, axum the routes.

pub(crate) mod admin;
pub(crate) mod answer;
pub(crate) mod audit;
pub(crate) mod authentication;
pub(crate) mod background;
pub(crate) mod cluster;
mod connection_limits;
mod connections;
mod counting;
mod lists;
pub(crate) mod observation;
mod openapi;
pub(crate) mod own_address;
pub(crate) mod parameters;
pub(crate) mod paths;
pub(crate) mod peer;
mod protection;
mod queries;
pub(crate) mod reading;
pub(crate) mod reports;
pub(crate) mod reprocessing;
mod router;
mod routes;
pub(crate) mod search;
mod service;
mod waiting;

pub use connections::{Listening, serve};
pub use queries::Queries;
pub use router::router;
pub use routes::{Access, Method, ROUTES, Route};
pub use service::{Service, TokenHolder};
pub use waiting::Waiting;
