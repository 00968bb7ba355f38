//! Judges statements: what DuckDB's own parser and planner say that they do, and what each method accepts.

pub(crate) mod functions;
pub(crate) mod plan;
pub(crate) mod refused;
pub(crate) mod select;
pub(crate) mod statement;
