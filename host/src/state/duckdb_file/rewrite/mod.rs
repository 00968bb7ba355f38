//! Replaces the state file by a copy, in one step.

pub(crate) mod copy;
pub(crate) mod replace;
pub(crate) mod storage;
