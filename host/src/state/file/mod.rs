//! The state's file and what lies beside it: their names, their locks, and checkpoints that survive being cut off.
//!
//! What is here works on files as such. It runs before DuckDB opens the state, or beside it.

pub(crate) mod backup;
pub(crate) mod checkpoint;
pub(crate) mod disk;
pub(crate) mod lock;
pub(crate) mod paths;
pub(crate) mod place;
