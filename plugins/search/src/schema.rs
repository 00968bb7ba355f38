//! The processor's table, and how people search it.

use session_plugin_api::Migration;

/// One row per text.
pub(crate) const SEARCH_TEXTS: &str = "search_texts";

/// The SELECT whose rows people search.
pub(crate) const SEARCHED: &str =
    "SELECT session_file AS session, username, project, occurred_at AS time, line, part, kind, tool, text
     FROM search_texts";

/// The migrations that create the table.
pub(crate) fn migrations() -> Vec<Migration> {
    vec![Migration::new(1, "create tables", include_str!("schema/0001.sql"))]
}
