//! Several hosts on one state in PostgreSQL, with a real server, and a network and a disk that fail.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where a step of it does"
)]

mod checking;
mod copying;
mod encrypted;
mod hosts;
mod looking;
mod machines;
mod migrating;
mod names;
mod network;
mod reloading;
mod server;
mod signing_in;
mod snapshots;
mod waiting;
