//! DuckDB itself: instances, connections, interrupts, and the basics of its SQL.
//!
//! Everything else of the state builds on these and knows nothing of how an instance is opened.

pub(crate) mod instance;
pub(crate) mod interrupt;
pub(crate) mod open;
pub(crate) mod sql;
