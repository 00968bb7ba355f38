//! The service: real servers, asked over real connections, ended by real signals.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where a step of it does"
)]

mod access;
mod alerts;
mod beside;
mod corrections;
mod crashes;
mod disks;
mod ending;
mod endpoints;
mod hostile_clients;
mod page;
mod page_access;
mod page_actions;
mod page_conversation;
mod page_live;
mod page_search;
mod page_sessions;
mod page_viewers;
mod pausing;
mod reading;
mod reloading;
mod reports;
mod runs;
mod schedule;
mod steps;
mod stuck_queries;
mod warnings;
mod zoo;
