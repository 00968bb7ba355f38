//! The rows of the three session tables, with the columns that `schema` declares.

use std::borrow::Cow;

use session_plugin_api::{Timestamp, row};

/// The owner of a row.
#[derive(Clone, Debug)]
pub(crate) struct Owner<'a> {
    /// The user that the session is recorded for.
    pub(crate) username: &'a str,
    /// The first `sessionId` of the file, else the session key.
    pub(crate) session_id: Cow<'a, str>,
}

row! {
    /// A row of `usage_events`.
    #[derive(Clone, Debug)]
    pub(crate) struct UsageEvent<'a> {
        pub(crate) id: String,
        pub(crate) session_id: Cow<'a, str>,
        pub(crate) username: &'a str,
        pub(crate) event_uuid: Option<Cow<'a, str>>,
        pub(crate) parent_uuid: Option<Cow<'a, str>>,
        pub(crate) event_type: &'static str,
        pub(crate) tool_name: Option<Cow<'a, str>>,
        pub(crate) skill_name: Option<Cow<'a, str>>,
        pub(crate) subagent_type: Option<Cow<'a, str>>,
        pub(crate) command_name: Option<Cow<'a, str>>,
        pub(crate) is_error: bool,
        pub(crate) source: &'static str,
        pub(crate) ref_id: Option<&'a str>,
        pub(crate) model: Option<Cow<'a, str>>,
        pub(crate) cwd: Option<Cow<'a, str>>,
        pub(crate) occurred_at: Timestamp,
        pub(crate) processor_version: u32,
        pub(crate) invocation: Option<Cow<'a, str>>,
    }
}

row! {
    /// A row of `usage_stored_messages`.
    #[derive(Clone, Debug)]
    pub(crate) struct UsageMessage<'a> {
        pub(crate) username: &'a str,
        pub(crate) session_id: Cow<'a, str>,
        pub(crate) message_id: Option<Cow<'a, str>>,
        pub(crate) request_id: Option<Cow<'a, str>>,
        pub(crate) model: Option<Cow<'a, str>>,
        pub(crate) occurred_at: Timestamp,
        pub(crate) is_sidechain: bool,
        pub(crate) input_tokens: i64,
        pub(crate) output_tokens: i64,
        pub(crate) cache_read_tokens: i64,
        pub(crate) cache_creation_5m_tokens: i64,
        pub(crate) cache_creation_1h_tokens: i64,
        pub(crate) iteration: Option<i64>,
        pub(crate) recorded_cost_usd: Option<f64>,
        pub(crate) speed: Option<Cow<'a, str>>,
        pub(crate) service_tier: Option<Cow<'a, str>>,
        pub(crate) inference_geo: Option<Cow<'a, str>>,
        pub(crate) web_search_requests: Option<i64>,
        pub(crate) cwd: Option<Cow<'a, str>>,
        pub(crate) git_branch: Option<Cow<'a, str>>,
    }
}

row! {
    /// The row of `usage_stored_sessions`.
    #[derive(Clone, Debug)]
    pub(crate) struct SessionSummary<'a> {
        pub(crate) session_id: Cow<'a, str>,
        pub(crate) username: &'a str,
        pub(crate) started_at: Option<Timestamp>,
        pub(crate) ended_at: Option<Timestamp>,
        pub(crate) active_seconds: i64,
        pub(crate) wall_seconds: i64,
        pub(crate) user_messages: i64,
        pub(crate) assistant_messages: i64,
        pub(crate) tool_calls: i64,
        pub(crate) tool_errors: i64,
        pub(crate) skill_invocations: i64,
        pub(crate) subagent_dispatches: i64,
        pub(crate) mcp_calls: i64,
        pub(crate) slash_commands: i64,
        pub(crate) distinct_tools: i64,
        pub(crate) distinct_skills: i64,
        pub(crate) prompts: i64,
        pub(crate) responses: i64,
        pub(crate) primary_model: Option<Cow<'a, str>>,
        pub(crate) input_tokens: i64,
        pub(crate) output_tokens: i64,
        pub(crate) cache_read_tokens: i64,
        pub(crate) cache_creation_tokens: i64,
        pub(crate) processor_version: u32,
    }
}
