//! The processor's tables.

use session_plugin_api::Migration;

/// One row per session.
pub(crate) const VERIFICATION_SESSION: &str = "verification_session";
/// One row per item, user and session that verifies it.
pub(crate) const VERIFICATION_EVIDENCE: &str = "verification_evidence";

/// The migrations that create them.
pub(crate) fn migrations() -> Vec<Migration> {
    vec![
        Migration::new(1, "create tables", include_str!("schema/0001.sql")),
        Migration::new(2, "note what was taken over", include_str!("schema/0002.sql")),
    ]
}
