//! The rows of the session table, with the columns that the migrations in `schema` declare.

use secret_detector::Rules;
use session_plugin_api::{Session, Timestamp, row};

use crate::{
    masked::{masked, masked_name},
    texts::Text,
};

row! {
    /// A row of `search_texts`.
    #[derive(Clone, Debug)]
    pub(crate) struct SearchText<'t> {
        pub(crate) username: &'t str,
        pub(crate) project: Option<&'t str>,
        pub(crate) occurred_at: Timestamp,
        pub(crate) line: i64,
        pub(crate) part: i64,
        pub(crate) kind: &'static str,
        pub(crate) tool: Option<String>,
        pub(crate) text: String,
        pub(crate) omitted_bytes: i64,
    }
}

impl<'t> SearchText<'t> {
    /// The row of a text, without its secrets. The project has none. `part` is the number of the text in its session.
    pub(crate) fn of(
        session: &Session<'t>,
        project: Option<&'t str>,
        text: &Text<'_>,
        part: i64,
        rules: &Rules,
    ) -> Self {
        let kept = masked(&text.text, rules);
        Self {
            username: session.username(),
            project,
            occurred_at: text.time,
            line: count(text.line),
            part,
            kind: text.kind.as_str(),
            tool: text.tool.as_deref().map(|tool| masked_name(tool, rules)),
            text: kept.text,
            omitted_bytes: count(kept.omitted_bytes.saturating_add(text.left_out)),
        }
    }
}

fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
