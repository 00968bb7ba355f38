//! Converts rows between plugins and tables.

pub(crate) mod batch;
pub(crate) mod columns;
pub(crate) mod table;
