//! End-to-end tests: real plugins, real transcripts, a real state file. One topic a module.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails where a step of it does"
)]

mod example;
mod failures;
mod foreign_files;
mod half_copied;
mod harness;
mod limits;
mod misfits;
mod noticing;
mod panics;
mod permissions;
mod plugin_logs;
mod replaced_files;
mod replacing;
mod script;
mod timeouts;
