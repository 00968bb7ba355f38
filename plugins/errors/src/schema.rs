//! The processor's tables and views.

use session_plugin_api::Migration;

/// One row per error.
pub(crate) const SESSION_ERRORS: &str = "session_errors";
/// One row per session.
pub(crate) const SESSION_OUTCOME: &str = "session_outcome";

/// The migrations that create them.
pub(crate) fn migrations() -> Vec<Migration> {
    vec![
        Migration::new(1, "create tables and views", include_str!("schema/0001.sql")),
        Migration::new(2, "keep the call that failed", include_str!("schema/0002.sql")),
    ]
}
