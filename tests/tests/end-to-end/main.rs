//! End-to-end tests: real plugins, real transcripts, a real state file. One topic a module.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where a step of it does"
)]

mod alerts;
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
mod documented_queries;
mod dry_runs;
mod durability;
mod example;
mod execute_lane;
mod failures;
mod first_tables;
mod foreign_files;
mod forgetting;
mod forked_errors;
mod growth;
mod half_copied;
mod harness;
mod hooks;
mod inspecting;
mod isolation;
mod limits;
mod looking;
mod misfits;
mod model;
mod nobody;
mod noticing;
mod numbers;
mod obstacles;
mod odd_files;
mod panics;
mod pausing;
mod permissions;
mod pins;
mod plugin_logs;
mod prices;
mod reference_tables;
mod replace_lane;
mod replaced_files;
mod replacing;
mod reports;
mod reprocessing;
mod retries;
mod script;
mod searching;
mod secrets;
mod shared_transactions;
mod shipped_reports;
mod signals;
mod spliced_lines;
mod state_file;
mod status_line;
mod storage;
mod tables;
mod terminal;
mod timeouts;
mod together;
mod unrecognised;
mod users;
mod zoo;
mod zoo_loading;
