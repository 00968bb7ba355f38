//! The processor's tables and views.

use session_plugin_api::Migration;

/// One row per use of a tool, a skill, a subagent, an MCP server or a slash command.
pub(crate) const USAGE_EVENTS: &str = "usage_events";
/// One row per session.
pub(crate) const USAGE_STORED_SESSIONS: &str = "usage_stored_sessions";
/// One row per response of the model.
pub(crate) const USAGE_STORED_MESSAGES: &str = "usage_stored_messages";

/// The steps that make them.
pub(crate) fn migrations() -> Vec<Migration> {
    vec![
        Migration::new(1, "create tables and views", include_str!("schema/0001.sql")),
        Migration::new(2, "store what transcripts say", include_str!("schema/0002.sql")),
    ]
}
