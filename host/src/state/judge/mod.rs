//! What a statement does, told by DuckDB's own reading of it, and what each call takes.

pub(crate) mod functions;
pub(crate) mod plan;
pub(crate) mod refused;
pub(crate) mod select;
pub(crate) mod statement;
