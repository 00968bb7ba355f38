//! The state in PostgreSQL, which DuckDB reaches by its own extension.

#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "only the state in PostgreSQL loads the extension, and no code opens such a state yet"
    )
)]
pub(crate) mod extension;
