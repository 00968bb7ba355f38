//! A state in one DuckDB file, which one process at a time has open.
//!
//! Each folder builds only on those above it:
//!
//! - `file`: the state as a file, and the files beside it.
//! - `open`: the open file, and how it recovers.
//! - `rewrite`: replaces the file by a copy.

pub(crate) mod file;
pub(crate) mod open;
pub(crate) mod rewrite;
