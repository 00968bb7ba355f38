//! The state's files: their names, their locks, and checkpoints that survive an interruption.
//!
//! These modules treat the state as files. They run before DuckDB opens the state, or beside it.

pub(crate) mod backup;
pub(crate) mod checkpoint;
pub(crate) mod disk;
pub(crate) mod lock;
pub(crate) mod paths;
pub(crate) mod place;
