//! The host: discovers processors, scans sessions, runs the one over the other and keeps the state.
//!
//! The way of the data is [`plugins`] (discover, check, load), [`sessions`] (scan, snapshot), [`runner`] (one run),
//! [`state`] (DuckDB). [`host`] puts them together, [`cli`] is the face.

pub mod cause;
pub mod cli;
pub mod clock;
pub mod column;
pub mod config;
pub mod crossing;
pub mod folders;
pub mod health;
pub mod hex;
pub mod host;
pub mod http;
pub mod metrics;
pub mod names;
pub mod plugins;
pub mod printable;
pub mod process;
pub mod runner;
pub mod scheduler;
pub mod sessions;
pub mod state;
pub mod threads;
pub mod upkeep;
