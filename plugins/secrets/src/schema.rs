//! The processor's tables.

use session_plugin_api::Migration;

/// One row per secret of a session.
pub(crate) const SECRET_FINDINGS: &str = "secret_findings";

/// The migrations that create them.
pub(crate) fn migrations() -> Vec<Migration> {
    vec![Migration::new(1, "create tables", include_str!("schema/0001.sql"))]
}
