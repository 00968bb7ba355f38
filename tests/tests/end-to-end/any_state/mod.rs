//! Tests of what a state holds, whatever keeps it: `scripts/test` runs them with a state in a file, and again with one in
//! PostgreSQL.
//!
//! A module outside of this folder is about something else, or about the state file itself.

mod alerts;
pub(crate) mod documented_queries;
mod dry_runs;
mod execute_lane;
mod failures;
pub(crate) mod forgetting;
mod hooks;
mod inspecting;
mod limits;
mod model;
mod pausing;
mod reference_tables;
mod replace_lane;
mod replacing;
mod reports;
mod reprocessing;
mod retries;
mod searching;
mod shared_transactions;
mod tables;
mod timeouts;
mod together;
mod unrecognised;
mod users;
