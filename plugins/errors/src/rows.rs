//! The rows of the two session tables, with the columns that the migrations in `schema` declare.

use std::borrow::Cow;

use session_plugin_api::{Timestamp, row};

row! {
    /// A row of `session_errors`.
    #[derive(Clone, Debug)]
    pub(crate) struct SessionError<'a> {
        pub(crate) username: &'a str,
        pub(crate) session_id: Cow<'a, str>,
        pub(crate) event_uuid: Option<Cow<'a, str>>,
        pub(crate) line: i64,
        pub(crate) occurred_at: Timestamp,
        pub(crate) class: &'a str,
        pub(crate) tool_name: Option<Cow<'a, str>>,
        pub(crate) message: String,
        pub(crate) is_retry: bool,
        pub(crate) recovered: bool,
        pub(crate) tool_use_id: Option<Cow<'a, str>>,
        pub(crate) is_unique_call: bool,
    }
}

row! {
    /// A row of `session_outcome`.
    #[derive(Clone, Debug)]
    pub(crate) struct SessionOutcome<'a> {
        pub(crate) username: &'a str,
        pub(crate) ended_on: &'static str,
        pub(crate) error_count: i64,
        pub(crate) distinct_classes: i64,
        pub(crate) longest_retry_run: i64,
    }
}
