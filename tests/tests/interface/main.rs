//! The outside of the service, found to be as it is documented: the HTTP interface by its own description, the examples
//! of the manual, and what systemd and Docker are told. One topic a module.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where a step of it does"
)]

mod alerts;
mod client;
mod description;
mod examples;
mod operations;
mod packaging;
mod paths;
mod refusals;
mod schema;
mod service;
