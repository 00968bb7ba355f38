//! End-to-end tests: real plugins, real transcripts, a real state. One topic a module.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where a step of it does"
)]

mod any_state;
mod bad_input;
mod calls_at_once;
mod cancellation;
mod checking;
mod compatibility;
mod configuration;
mod confinement;
mod copies;
mod crashes;
mod crossing;
mod damaged;
mod damaged_state;
mod discovery;
mod durability;
mod example;
mod first_tables;
mod foreign_files;
mod forked_errors;
mod growth;
mod half_copied;
mod harness;
mod isolation;
mod looking;
mod misfits;
mod nobody;
mod noticing;
mod numbers;
mod obstacles;
mod odd_files;
mod panics;
mod permissions;
mod pins;
mod plugin_logs;
mod prices;
mod purging;
mod replaced_files;
mod script;
mod secrets;
mod shipped_reports;
mod signals;
mod spliced_lines;
mod state_file;
mod status_line;
mod storage;
mod terminal;
mod zoo;
mod zoo_loading;
