//! The page in a real browser: Debian's Chromium, driven over WebDriver.
//!
//! `scripts/setup --browser` installs what this needs. Without it, the tests fail where the variable `CI` is set, and say
//! loudly that they tested nothing elsewhere.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails where a step of it does"
)]

mod acting;
mod browser;
mod commands;
mod driver;
mod hostile;
mod pages;
mod refusals;
mod scene;
