//! What a statement does, told by DuckDB's own reading of it, and what each call takes.

pub(crate) mod plan;
pub(crate) mod statement;
