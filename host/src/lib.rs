//! The host: discovers processors, scans for sessions, runs the processors over the sessions and keeps the state.
//!
//! The data flows through [`plugins`] (discover, check, load), [`sessions`] (scan, snapshot), [`runner`] (one run) and
//! [`state`] (DuckDB). [`host`] combines them; [`cli`] is the command line.

pub mod abi_checks;
pub mod alerts;
pub mod amounts;
pub mod cause;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod column;
pub mod config;
pub mod conversation;
pub mod dates;
pub mod folders;
pub mod health;
pub mod hex;
pub mod host;
pub mod http;
pub mod journal;
pub mod metrics;
pub mod names;
pub mod own_files;
pub mod plugins;
pub mod postgres;
pub mod printable;
pub mod process;
pub mod recent_log;
pub mod reports;
pub mod runner;
pub mod safeguards;
pub mod scheduler;
pub mod search;
pub mod sessions;
pub mod shared_memory;
pub mod similar;
pub mod state;
pub mod state_place;
pub mod summary;
pub mod threads;
pub mod upkeep;
pub mod web;
pub mod week;
pub mod workers;
pub mod zone;
