//! One response of a model.

use std::{borrow::Cow, mem};

use session_plugin_api::{
    Timestamp,
    transcript::{Advisor, Event},
};

use crate::{
    rows::{Owner, UsageMessage},
    tokens::Tokens,
};

/// The agent writes this model name when it answers in place of a model.
pub(crate) const SYNTHETIC: &str = "<synthetic>";

/// One response, according to one of its lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Response<'a> {
    pub(crate) message_id: Option<Cow<'a, str>>,
    pub(crate) request_id: Option<Cow<'a, str>>,
    /// For an advisor's answer, its number among the advisors of the response that asked for it, from 1.
    pub(crate) iteration: Option<i64>,
    pub(crate) model: Option<Cow<'a, str>>,
    pub(crate) occurred_at: Timestamp,
    pub(crate) is_sidechain: bool,
    pub(crate) tokens: Tokens,
    pub(crate) circumstances: Circumstances<'a>,
    pub(crate) cwd: Option<Cow<'a, str>>,
    pub(crate) git_branch: Option<Cow<'a, str>>,
}

/// The properties of a response, beside model and tokens, that affect its price; `None` if no line records them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Circumstances<'a> {
    pub(crate) recorded_cost_usd: Option<f64>,
    pub(crate) speed: Option<Cow<'a, str>>,
    pub(crate) service_tier: Option<Cow<'a, str>>,
    pub(crate) inference_geo: Option<Cow<'a, str>>,
    pub(crate) web_search_requests: Option<i64>,
}

impl<'a> Response<'a> {
    /// The response of an assistant line.
    pub(crate) fn of_line(line: Event<'a>, occurred_at: Timestamp) -> Self {
        let usage = line.message.usage;
        Self {
            message_id: line.message.id,
            request_id: line.request_id,
            iteration: None,
            model: line.message.model,
            occurred_at,
            is_sidechain: line.is_sidechain,
            tokens: Tokens::from(&usage),
            circumstances: Circumstances {
                recorded_cost_usd: line.cost_usd,
                speed: usage.speed,
                service_tier: usage.service_tier,
                inference_geo: usage.inference_geo,
                web_search_requests: usage.server_tool_use.web_search_requests,
            },
            cwd: line.cwd,
            git_branch: line.git_branch,
        }
    }

    /// The answer of an advisor that this response asked: in the same request, by another model. The cost recorded in
    /// the line covers the complete request, so this answer has a recorded cost of zero.
    pub(crate) fn of_advisor(&self, advisor: Advisor<'a>, ordinal: i64) -> Self {
        Self {
            iteration: Some(ordinal),
            model: advisor.model,
            tokens: Tokens::from(&advisor.usage),
            circumstances: Circumstances {
                recorded_cost_usd: self.circumstances.recorded_cost_usd.map(|_| 0.0),
                speed: advisor.usage.speed,
                web_search_requests: advisor.usage.server_tool_use.web_search_requests,
                ..self.circumstances.clone()
            },
            ..self.clone()
        }
    }

    /// Whether the vendor created the identifier, which makes it unique.
    pub(crate) fn is_vendors(&self) -> bool {
        self.message_id.as_deref().is_some_and(|id| id.starts_with("msg_"))
    }

    /// Merges the data of another line of the same response.
    ///
    /// The larger token counts are correct, because a streamed response is first written with partial counts. If the
    /// counts are equal, those of the line outside a sidechain win, because a subagent may repeat a line of its parent.
    /// Data that only one of the lines has is kept.
    pub(crate) fn merge(&mut self, mut other: Self) {
        let weight = |response: &Self| (response.tokens.total(), !response.is_sidechain);
        if weight(&other) > weight(self) {
            mem::swap(self, &mut other);
        }
        let (known, told) = (&mut self.circumstances, other.circumstances);
        known.recorded_cost_usd = known.recorded_cost_usd.or(told.recorded_cost_usd);
        known.speed = known.speed.take().or(told.speed);
        known.service_tier = known.service_tier.take().or(told.service_tier);
        known.inference_geo = known.inference_geo.take().or(told.inference_geo);
        known.web_search_requests = known.web_search_requests.max(told.web_search_requests);
        self.request_id = self.request_id.take().or(other.request_id);
        self.cwd = self.cwd.take().or(other.cwd);
        self.git_branch = self.git_branch.take().or(other.git_branch);
    }

    /// The row of `usage_stored_messages`.
    pub(crate) fn into_row(self, owner: &Owner<'a>) -> UsageMessage<'a> {
        let circumstances = self.circumstances;
        UsageMessage {
            username: owner.username,
            session_id: owner.session_id.clone(),
            message_id: self.message_id,
            request_id: self.request_id,
            model: self.model,
            occurred_at: self.occurred_at,
            is_sidechain: self.is_sidechain,
            input_tokens: self.tokens.input,
            output_tokens: self.tokens.output,
            cache_read_tokens: self.tokens.cache_read,
            cache_creation_5m_tokens: self.tokens.cache_creation_5m,
            cache_creation_1h_tokens: self.tokens.cache_creation_1h,
            iteration: self.iteration,
            recorded_cost_usd: circumstances.recorded_cost_usd,
            speed: circumstances.speed,
            service_tier: circumstances.service_tier,
            inference_geo: circumstances.inference_geo,
            web_search_requests: circumstances.web_search_requests,
            cwd: self.cwd,
            git_branch: self.git_branch,
        }
    }
}
