//! The reports: which there are, and the answer to one.

mod answer;
mod download;
mod list;
mod one;

pub(super) use download::{csv, json};
pub(super) use list::show as list;
pub(super) use one::show as one;
