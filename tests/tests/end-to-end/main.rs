//! End-to-end tests: real plugins, real transcripts, a real state file. One topic a module.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails where a step of it does"
)]

mod failures;
mod harness;
mod limits;
mod noticing;
mod replacing;
mod script;
