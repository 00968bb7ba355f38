//! The processors: the plugins directory, and one processor.

pub(super) mod line;
pub(super) mod list;
pub(super) mod one;
pub(super) mod reprocess;
