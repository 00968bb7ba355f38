//! Converts rows between plugins and tables.

pub(crate) mod batch;
pub(crate) mod builder;
pub(crate) mod refused;
pub(crate) mod result_columns;
pub(crate) mod table;
