//! The verification processor in the real host, asking a real server that does what the tests tell it.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails where a step of it does"
)]

mod availability;
mod contradictions;
mod documented_queries;
mod failures;
mod formats;
mod growth;
mod injection;
mod merging;
mod report;
mod scene;
mod secrecy;
mod taking_over;
mod typing;
